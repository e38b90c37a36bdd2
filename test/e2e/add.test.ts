import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config.ts';
import { stagePrompts } from '../../src/client/start/stage-prompts.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import { findOutputFolder } from '../../src/store/output-folder.ts';
import { useTestServer, testEnv } from '../support/temporal-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  createGate,
  createWorkplace,
  manifestIn,
  newestResults,
  promptTexts,
  readResults,
} from './workplace.ts';

const server = useTestServer();

const more = [{ prompt_id: 'extra', prompt: 'One more?', completions: 3 }, { prompt: 'And another?' }];

for (const { title, count } of [
  { title: 'small', count: 6 },
  { title: 'many shards', count: 1001 },
]) {
  test(`a running batch (${title}) takes prompts: reports, audit and counts have them, and none twice`, async (t) => {
    const gate = createGate();
    const place = await createWorkplace(t, server, {
      script: ({ total }) => (total > 4 ? gate.script() : undefined),
    });
    const { provider } = place;
    const file = await place.write('prompts.json', promptTexts(count));
    await place.write('more.json', more);
    const run = place.startRun(file, ['--id', 'grows', '--max-workers', '40', '--json']);
    await provider.until(() => provider.answered.requests === 4 && provider.inFlight >= 2);

    const added = await place.cli(['add', 'grows', 'more.json', '--reason', 'forgotten', '--json']);
    assert.equal(added.code, 0, added.stdout + added.stderr);
    const told = added.lines.findLast(({ type }) => type === 'add')!;
    assert.deepEqual([told['added'], told['progress'].total, told['total']], [2, count + 2, count + 2]);
    const again = await place.cli(['add', 'grows', 'more.json', '--json']);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.deepEqual(again.lines.at(-1)!['added'], 0);
    assert.match(again.stdout, /were added before; none is added twice/);

    gate.open();
    const { code, stdout, lines } = await run.ended;
    assert.equal(code, 0, stdout);
    assert.equal(lines.at(-1)!['successful_items'], count + 2);
    assert.equal(provider.answered.requests, count + 2);
    const { results, summary } = await readResults(place.outputDir);
    assert.deepEqual([summary.total_items, results.length], [count + 2, count + 2]);
    const number = `prompt_${String(count + 2).padStart(4, '0')}`;
    assert.deepEqual(
      results.slice(-2).map(({ prompt_id, completions }) => [prompt_id, completions.length]),
      [
        ['extra', 3],
        [number, 1],
      ],
    );
    const manifest = await manifestIn(place, 'grows');
    assert.deepEqual([manifest.prompts, manifest.max_completions], [count + 2, 3]);
    assert.deepEqual(
      manifest.additions!.map(({ prompts, source, reason }) => ({ prompts, source, reason })),
      [{ prompts: 2, source: 'more.json', reason: 'forgotten' }],
    );
    const audit = await place.cli(['audit', 'grows']);
    assert.equal(audit.code, 0, audit.stdout + audit.stderr);
  });
}

test('a finished batch runs again for what is added, and buys nothing else; the file it was made from still finds it', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(3));
  await place.write('more.jsonl', more.map((item) => JSON.stringify(item)).join('\n'));
  assert.equal((await place.run(file, ['--id', 'done'])).code, 0);
  const added = await place.cli(['add', 'done', 'more.jsonl']);
  assert.equal(added.code, 0, added.stdout + added.stderr);
  assert.match(added.stdout, /5 succeeded · 0 failed \(of 5\)/);
  assert.equal(provider.answered.requests, 5);
  assert.equal((await newestResults(place.outputDir)).results.length, 5);

  const again = await place.cli(['add', 'done', 'more.jsonl']);
  assert.equal(again.code, 0, again.stdout + again.stderr);
  assert.match(again.stderr, /none is added twice/);
  const attached = await place.run(file, ['--id', 'done']);
  assert.equal(attached.code, 0, attached.stdout + attached.stderr);
  assert.match(attached.stderr, /The batch has 2 more prompts than this file, added later/);
  assert.equal(provider.answered.requests, 5);
  const { runs } = await manifestIn(place, 'done');
  assert.deepEqual(
    runs.map(({ outcome }) => outcome?.counts.total),
    [3, 5],
  );
});

test('an open batch and a closed one take over what the folder has for prompts that are added', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) => (prompt.includes('number 6') ? gate.script() : undefined),
  });
  const { provider } = place;
  const known = await place.write('known.json', ['Known?', 'Also known?', 'Known third?']);
  assert.equal((await place.run(known, ['--id', 'known'])).code, 0);
  await place.write('more.json', ['Known?', 'New?']);
  await place.write('later.json', ['Also known?', 'Known?']);
  const file = await place.write('prompts.json', promptTexts(6));
  const run = place.startRun(file, ['--id', 'grows', '--max-workers', '6']);
  await provider.until(() => provider.answered.requests === 3 + 5 && provider.inFlight === 1);
  const added = await place.cli(['add', 'grows', 'more.json']);
  assert.equal(added.code, 0, added.stdout + added.stderr);
  assert.match(added.stderr, /1 completion of identical requests taken over from known/);
  gate.open();
  const ended = await run.ended;
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  assert.equal(provider.answered.requests, 3 + 6 + 1);

  const later = await place.cli(['add', 'grows', 'later.json']);
  assert.equal(later.code, 0, later.stdout + later.stderr);
  assert.match(later.stderr, /1 completion of identical requests taken over from known/);
  // "Known?" stands in the batch already: the same answer does not stand there twice.
  assert.equal(provider.answered.requests, 3 + 6 + 1 + 1);
  const { results } = await newestResults(place.outputDir);
  assert.deepEqual(
    results.slice(6).map(({ completions }) => completions[0]!.reused_from?.batch_id),
    ['known', undefined, 'known', undefined],
  );
  const audit = await place.cli(['audit', 'grows']);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
});

test('killed between staging and telling the batch: nothing is counted, and the next try adds once; with no worker it says so', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ total }) => (total > 1 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(4));
  const moreFile = await place.write('more.json', more);
  const run = place.startRun(file, ['--id', 'torn', '--max-workers', '1']);
  await provider.until(() => provider.answered.requests === 1 && provider.inFlight === 1);
  run.kill('SIGKILL');
  await run.ended;
  gate.open();
  const store = new BatchStore(await findOutputFolder(place.outputDir), 'torn', 'test');
  const config = loadConfig(place.env, place.folder);
  await stagePrompts(config, store, moreFile, () => {});
  assert.equal((await place.cli(['status', 'torn', '--json'])).lines[0]!['total'], 4);

  const added = await place.cli(['add', 'torn', 'more.json']);
  assert.equal(added.code, 0, added.stdout + added.stderr);
  assert.match(added.stderr, /2 prompts added/);
  assert.match(added.stderr, /No worker is on this batch/);
  assert.match(added.stdout, /to do \(of 6\)/);
  const resumed = await place.cli(['resume', 'torn']);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.match(resumed.stdout, /6 succeeded · 0 failed \(of 6\)/);
  const texts = (await newestResults(place.outputDir)).results.map(({ prompt }) => prompt);
  assert.equal(new Set(texts).size, 6);
});

describe('what is refused, adding nothing', () => {
  test('ids that the batch has, each with its place; the file it was made from; a broken file', async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', [
      { prompt_id: 'a', prompt: '1' },
      { prompt_id: 'prompt_0003', prompt: '2' },
    ]);
    await place.write('more.json', [{ prompt: '3' }, { prompt_id: 'a', prompt: '4' }]);
    await place.write('broken.json', [{ prompt: 3 }]);
    assert.equal((await place.run(file, ['--id', 'strict'])).code, 0);
    for (const [name, says] of [
      [
        'more.json',
        /more\.json: item 1: "prompt_id" "prompt_0003", given by position, is already used by prompt 2 of the batch/,
      ],
      ['more.json', /more\.json: item 2: "prompt_id" "a" is already used by prompt 1 of the batch/],
      ['prompts.json', /strict was made from these very prompts\. Nothing was added/],
      ['broken.json', /broken\.json: item 1: "prompt" must be/],
      ['nowhere.json', /nowhere\.json/],
    ] as const) {
      const { code, stderr } = await place.cli(['add', 'strict', name]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, says);
    }
    const manifest = await manifestIn(place, 'strict');
    assert.deepEqual([manifest.prompts, manifest.additions, manifest.runs.length], [2, undefined, 1]);
    const left = await readdir(join(place.outputDir, 'strict'));
    assert.deepEqual(
      left.filter((name) => name.startsWith('.')),
      [],
    );
    assert.equal(place.provider.requests, 2);
  });

  test('a cancelled batch, with what it would start; and from where its folder is not', async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', promptTexts(3));
    await place.write('more.json', more);
    assert.equal((await place.run(file, ['--id', 'gone', '--detach'])).code, 0);
    const env = { ...(await testEnv(await temporaryFolder(t))), TEMPORAL_ADDRESS: server.address };
    const afar = await createWorkplace(t, { env });
    await afar.write('more.json', more);
    const far = await afar.cli(['add', 'gone', 'more.json']);
    assert.equal(far.code, 2);
    assert.match(
      far.stderr,
      /add needs the folder of gone, which is .*out on .*: type it there\. Nothing was added/,
    );

    assert.equal((await place.cli(['cancel', 'gone'])).code, 0);
    const { code, stderr } = await place.cli(['add', 'gone', 'more.json']);
    assert.equal(code, 2);
    assert.match(stderr, /gone is cancelled, and 3 prompts of it were not run.*durabatch resume gone/);
    assert.equal((await manifestIn(place, 'gone')).prompts, 3);
  });
});

test('a field that may be meant otherwise is said once by run, estimate and add', async (t) => {
  const place = await createWorkplace(t, server);
  const note = /the field "temprature", which is kept and not sent\. Did you mean "temperature"\?/g;
  const file = await place.write('prompts.json', [{ prompt: 'One?', temprature: 0.5 }]);
  await place.write('more.json', [{ prompt: 'Two?', temprature: 0.5 }]);
  const said = [
    await place.cli(['estimate', file, '--provider', 'simulated']),
    await place.run(file, ['--id', 'doubtful']),
    await place.cli(['add', 'doubtful', 'more.json']),
  ];
  for (const { code, stderr } of said) assert.deepEqual([code, stderr.match(note)?.length], [0, 1], stderr);
  const again = await place.run(file, ['--id', 'doubtful']);
  assert.doesNotMatch(again.stderr, note, 'said when the batch began');
});
