import assert from 'node:assert/strict';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { firstOf } from '../support/until.ts';
import { createTestHome, useTestServer, testEnv } from '../support/temporal-server.ts';
import { createGate, createWorkplace, promptTexts } from './workplace.ts';

const server = useTestServer();

test('several batches are watched at once, also from a machine without their folders; the exit code is that of the worst', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: async ({ prompt }) => {
      await gate.script();
      return /number 3\?/.test(prompt) ? reply.status(400, { message: 'content policy' }) : undefined;
    },
  });
  const { provider } = place;
  const [few, more] = [
    await place.write('few.json', promptTexts(2)),
    await place.write('more.json', promptTexts(4)),
  ];
  const runs = [
    place.startRun(few, ['--id', 'good', '--max-workers', '2']),
    place.startRun(more, ['--id', 'poor', '--max-workers', '2']),
  ];
  await provider.until(() => provider.inFlight === 4);

  const otherHome = await createTestHome();
  t.after(() => rm(otherHome, { recursive: true, force: true }));
  const elsewhere = join(place.folder, 'elsewhere');
  await mkdir(elsewhere);
  const env = { ...(await testEnv(otherHome)), TEMPORAL_ADDRESS: server.address };
  const remote = { env, cwd: elsewhere };
  const here = place.start(['watch', 'good', 'poor']);
  const there = place.start(['watch'], remote);
  const json = place.start(['watch', 'poor', '--json'], remote);
  await here.said(/^poor: \d\/4 done/m);
  await there.said(/^poor: \d\/4 done/m);
  await firstOf(
    async () => (await place.cli(['list', '--state', 'running', '--json'], remote)).lines,
    (listed) => listed.some((line) => line['batch_id'] === 'poor' && line['source'] === 'workflow'),
  );
  assert.deepEqual((await place.cli(['list', '--state', 'paused', '--json'], remote)).lines, []);

  gate.open();
  assert.deepEqual(await Promise.all(runs.map(async (run) => (await run.ended).code)), [0, 3]);
  const [ours, theirs, lines] = await Promise.all([here.ended, there.ended, json.ended]);
  assert.deepEqual([ours.code, theirs.code, lines.code], [3, 3, 3], ours.stdout + theirs.stdout);
  assert.match(theirs.stdout, /State +partly failed/);
  const last = lines.lines.at(-1)!;
  assert.deepEqual(
    [last['type'], last['state'], last['succeeded'], last['failed']],
    ['status', 'partly_failed', 3, 1],
  );
  assert.ok(last['results_file'].startsWith(place.outputDir));

  assert.equal((await place.cli(['watch'], remote)).code, 0, 'nothing is open');
  assert.equal((await place.cli(['watch', 'nowhere'], remote)).code, 2);
});

test('an open batch that cannot be read does not hide the others from who watches all', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, { script: gate.script });
  const file = await place.write('two.json', promptTexts(2));
  const runs = ['readable', 'damaged'].map((id) => place.startRun(file, ['--id', id, '--max-workers', '2']));
  await place.provider.until(() => place.provider.inFlight === 4);
  const manifest = join(place.outputDir, 'damaged', 'batch.json');
  const whole = await readFile(manifest, 'utf8');
  const revisions = join(place.outputDir, 'damaged', 'revisions');
  await rename(revisions, `${revisions}-elsewhere`);
  await writeFile(manifest, '{');
  const watch = place.start(['watch']);
  await watch.said(/^0\/2 done/m);
  await writeFile(manifest, whole);
  await rename(`${revisions}-elsewhere`, revisions);
  gate.open();
  await Promise.all(runs.map((run) => run.ended));
  const { code, stdout, stderr } = await watch.ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout + stderr, /^damaged is not watched: .*batch\.json is not a batch manifest/m);
});

test('tail is interrupted and gone on with: every completion once, and the end of the batch is its end', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ total }) => (total > 3 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(8));
  const run = place.startRun(file, ['--id', 'told', '--max-workers', '3', '--completions', '2']);
  await provider.until(() => provider.answered.requests === 3 && provider.inFlight === 3);

  const first = place.start(['tail', 'told', '--json']);
  await first.said(/"type":"cursor"/);
  first.kill('SIGINT');
  const begun = await first.ended;
  assert.equal(begun.code, 130, begun.stdout + begun.stderr);
  const stop = begun.lines.at(-1)!;
  assert.equal(stop['next_step'].command, `durabatch tail told --cursor ${stop['cursor']}`);

  const now = (await place.cli(['tail', 'told', '--from', 'now', '--no-follow', '--json'])).lines;
  const late = place.start(['tail', 'told', '--json', '--cursor', now.at(-1)!['cursor']]);
  const rest = place.start(['tail', 'told', '--json', '--cursor', stop['cursor']]);
  const text = place.start(['tail', 'told']);
  await text.said(/prompt_0001 · sample 1 · stop/);
  gate.open();
  assert.equal((await run.ended).code, 0);
  const ended = await rest.ended;
  assert.deepEqual([ended.code, (await late.ended).code, (await text.ended).code], [0, 0, 0]);

  const told = (lines: Record<string, any>[]): string[] =>
    lines.filter(({ type }) => type === 'completion').map((line) => `${line['prompt_id']}/${line['sample']}`);
  const all = [...told(begun.lines), ...told(ended.lines)];
  assert.equal(all.length, 16);
  assert.equal(new Set(all).size, 16);
  assert.deepEqual(told((await late.ended).lines).sort(), told(ended.lines).sort());
  const once = await place.cli(['tail', 'told', '--no-follow', '--json']);
  assert.deepEqual(told(once.lines).sort(), all.toSorted());
  assert.equal((await place.cli(['tail', 'told', '--cursor', 'nonsense'])).code, 2);
});
