import assert from 'node:assert/strict';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { createTestHome, useTestServer } from '../support/temporal-server.ts';
import {
  batchIdIn,
  batchIdsIn,
  createGate,
  createWorkplace,
  printedWhen,
  promptTexts,
  readResults,
  reportFiles,
} from './workplace.ts';

const server = useTestServer();

test('a finished batch is not run again: its results are named, with its exit code', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(3));
  assert.equal((await place.run(file)).code, 0);
  const again = await place.run(file, ['--max-workers', '1']);
  assert.equal(again.code, 0);
  const [results] = await reportFiles(place.outputDir, '.json');
  assert.ok(again.stdout.includes(join(place.outputDir, results!)));
  assert.equal((await place.run(file, ['--output-dir', 'elsewhere'])).code, 0);
  assert.equal(place.provider.requests, 3);

  const id = await batchIdIn(place.outputDir);
  assert.equal((await place.run(file, ['--new'])).code, 0);
  assert.deepEqual(await batchIdsIn(place.outputDir), [id, `${id}-2`]);
  assert.equal(place.provider.requests, 6);
});

test('a running batch is attached to: same batch, same folder, same limits, and it says so', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, { script: gate.script });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(6));
  const first = place.startRun(file, ['--max-workers', '2']);
  await provider.until(() => provider.inFlight === 2);
  const second = place.startRun(file, ['--max-workers', '6', '--output-dir', 'elsewhere']);
  await second.said(
    /already running; --max-workers was ignored\. Change it with: .*durabatch set \S+ --max-workers 6/,
  );
  const third = place.start([
    'resume',
    await batchIdIn(place.outputDir),
    '--max-workers',
    '2',
    '--request-timeout',
    '9m',
  ]);
  await third.said(/already running; --request-timeout was ignored\.\n/);
  await second.said(/This batch is in .*out and continues there/);
  await second.said(/0\/6 done/);
  gate.open();
  const [one, two, three] = await Promise.all([first.ended, second.ended, third.ended]);
  assert.equal(three.code, 0, three.stdout + three.stderr);
  assert.deepEqual([one.code, two.code], [0, 0], one.stdout + one.stderr + two.stdout + two.stderr);
  assert.deepEqual([provider.requests, provider.peakInFlight], [6, 2]);
  assert.equal((await readResults(place.outputDir)).summary.successful_items, 6);
});

test('--id: other content is refused, another case is the same batch', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(2));
  assert.equal((await place.run(file, ['--id', 'Mine'])).code, 0);
  const same = await place.run(file, ['--id', 'mine', '--json']);
  assert.deepEqual([same.code, same.lines.at(-1)!['batch_id']], [0, 'Mine']);
  for (const [other, flags] of [
    [await place.write('other.json', promptTexts(3)), []],
    [file, ['--temperature', '0.1']],
  ] as const) {
    const refused = await place.run(other, ['--id', 'mine', ...flags]);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /--id Mine: this batch in .*out has other prompts or other request settings/,
    );
  }
  assert.deepEqual(await batchIdsIn(place.outputDir), ['Mine']);
  assert.equal(place.provider.requests, 2);
});

test('terminated in the Web UI: "run" says so, and "resume" finishes', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: (request) => (request.total > 2 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(6));
  const run = place.startRun(file, ['--id', 'terminated', '--max-workers', '2']);
  await provider.until(() => provider.answered.requests === 2 && provider.inFlight === 2);
  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  await new Client({ connection }).workflow.getHandle('terminated').terminate('by hand');
  gate.open();
  const ended = await run.ended;
  assert.equal(ended.code, 1, ended.stdout + ended.stderr);
  assert.match(
    ended.stderr,
    /ended from outside \(terminated by \S+: by hand\).*durabatch resume terminated/,
  );
  const status = await printedWhen(
    place,
    ['status', 'terminated'],
    /^State +crashed \(its run was ended in Temporal: terminated by \S+: by hand\)$/m,
  );
  assert.match(status, /durabatch resume terminated/);
  const resumed = await place.cli(['resume', 'terminated']);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.equal((await readResults(place.outputDir)).summary.successful_items, 6);
  assert.ok(provider.answered.requests <= 8, 'at most what was in flight is bought again');
});

test('with its ledger taken away a batch does not go on, and buys nothing twice when it is back', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: (request) => (request.total > 2 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(4));
  const first = place.startRun(file, ['--id', 'robbed', '--max-workers', '2']);
  await provider.until(() => provider.answered.requests === 2 && provider.inFlight === 2);
  first.kill('SIGKILL');
  await first.ended;
  gate.open();
  const ledger = join(place.outputDir, 'robbed', 'ledger');
  await rename(ledger, join(place.folder, 'elsewhere'));
  for (const again of [await place.run(file, ['--id', 'robbed']), await place.cli(['resume', 'robbed'])]) {
    assert.equal(again.code, 2, again.stdout + again.stderr);
    assert.match(again.stderr, /robbed\/ledger is missing.*put it back.*--new/);
  }
  await rename(join(place.folder, 'elsewhere'), ledger);
  const resumed = await place.cli(['resume', 'robbed']);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.equal((await readResults(place.outputDir)).summary.successful_items, 4);
  assert.ok(provider.answered.requests <= 6, 'at most what was in flight is bought again');
});

test('an id that is open on the server from another store is refused, naming its folder', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, { script: gate.script });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(2));
  const owner = place.startRun(file, ['--id', 'shared']);
  await provider.until(() => provider.inFlight === 2);
  const otherHome = await createTestHome();
  t.after(() => rm(otherHome, { recursive: true, force: true }));
  const env = { ...place.env, DURABATCH_HOME: otherHome, TEMPORAL_ADDRESS: server.address };
  const refused = await place.run(file, ['--id', 'shared', '--output-dir', 'theirs'], { env });
  assert.equal(refused.code, 2, refused.stdout + refused.stderr);
  assert.ok(refused.stderr.includes(place.outputDir), refused.stderr);
  gate.open();
  assert.equal((await owner.ended).code, 0);
  assert.equal(provider.requests, 2);
});
