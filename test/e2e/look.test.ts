import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { firstOf } from '../support/until.ts';
import { createTestHome, useTestServer, testEnv } from '../support/temporal-server.ts';
import {
  createGate,
  createWorkplace,
  printedWhen,
  promptTexts,
  readCsv,
  readResults,
  statusWhen,
} from './workplace.ts';

const server = useTestServer();

test('status, list, watch and a partial report of a batch from running to its end', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: (request) => (request.total > 2 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(6));
  const run = place.startRun(file, ['--id', 'seen', '--max-workers', '2']);
  await provider.until(() => provider.answered.requests === 2 && provider.inFlight === 2);

  const status = await statusWhen(place, 'seen', (one) => one['source'] === 'workflow');
  assert.equal((await place.cli(['status', 'seen', '--json'])).lines.length, 1);
  const { type, state, source, total, succeeded, running, pending } = status;
  assert.deepEqual(
    { type, state, source, total, succeeded, running, pending },
    { type: 'status', state: 'running', source: 'workflow', total: 6, succeeded: 2, running: 2, pending: 2 },
  );
  await printedWhen(place, ['status', 'seen'], /State +running/);
  assert.equal(status['worker_silent'], false);
  await printedWhen(place, ['list'], /running +2\/6 .* seen$/m);
  const watch = place.start(['watch', 'seen']);
  await watch.said(/2\/6 done/);

  const partial = await firstOf(
    async () => {
      await rm(join(place.folder, 'partial'), { recursive: true, force: true });
      return place.cli(['report', 'seen', '--to', 'partial', '--json']);
    },
    ({ lines: [report] }) => report?.['state'] === 'running',
  );
  assert.equal(partial.code, 0, partial.stdout + partial.stderr);
  const early = await readResults(join(place.folder, 'partial'));
  assert.deepEqual(
    [early.summary.partial, early.summary.state, early.summary.successful_items, early.summary.pending_items],
    [true, 'running', 2, 4],
  );
  assert.equal(early.results.length, 6);

  gate.open();
  assert.equal((await run.ended).code, 0);
  const watched = await watch.ended;
  assert.equal(watched.code, 0, watched.stdout + watched.stderr);
  assert.match(watched.stdout, /State +succeeded/);
  assert.equal((await place.cli(['status', 'seen', '--json'])).lines[0]!['state'], 'succeeded');

  assert.equal((await place.cli(['report', 'seen', '--to', 'again'])).code, 0);
  const [first, again] = await Promise.all([
    readResults(place.outputDir),
    readResults(join(place.folder, 'again')),
  ]);
  assert.deepEqual(again.results, first.results);
  assert.deepEqual(await readCsv(join(place.folder, 'again')), await readCsv(place.outputDir));
  const { timestamp: _, results_file: __, csv_file: ___, ...summary } = first.summary;
  for (const [field, value] of Object.entries(summary))
    assert.deepEqual(again.summary[field as keyof typeof summary], value, field);
});

test('a worker that is there and does not answer is not taken for a crash', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: (request) => (request.total > 2 ? gate.script() : undefined),
  });
  const { provider } = place;
  const run = place.startRun(await place.write('prompts.json', promptTexts(4)), [
    ...['--id', 'frozen', '--max-workers', '2'],
  ]);
  await provider.until(() => provider.answered.requests === 2 && provider.inFlight === 2);
  run.kill('SIGSTOP');
  const frozen = await statusWhen(place, 'frozen', (one) => one['source'] === 'ledger-and-temporal');
  const { state, source, worker_silent, succeeded } = frozen;
  assert.deepEqual(
    { state, source, worker_silent, succeeded },
    { state: 'running', source: 'ledger-and-temporal', worker_silent: true, succeeded: 2 },
  );
  const text = await printedWhen(
    place,
    ['status', 'frozen'],
    /its worker is busy and has not answered in time/,
  );
  assert.match(text, /^State +running$/m);
  await printedWhen(place, ['list'], /running +2\/4 .* frozen$/m);

  run.kill('SIGCONT');
  gate.open();
  assert.equal((await run.ended).code, 0);
});

test('with no worker, then no server, then no state folder, the ledger answers and says so', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: (request) => (request.total > 2 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(4));
  const run = place.startRun(file, ['--id', 'left', '--max-workers', '2']);
  await provider.until(() => provider.answered.requests === 2 && provider.inFlight === 2);
  run.kill('SIGKILL');
  await run.ended;
  const facts = async (args: string[], env = place.env) => {
    const { code, lines, stderr } = await place.cli([...args, '--json'], { env });
    assert.equal(code, 0, stderr);
    const { state, source, succeeded, pending } = lines.find(({ batch_id }) => batch_id === 'left')!;
    return [state, source, succeeded, pending];
  };
  const asTold = await firstOf(
    () => facts(['status', 'left']),
    ([, source]) => source === 'ledger-and-temporal',
  );
  assert.deepEqual(asTold, ['crashed', 'ledger-and-temporal', 2, 2]);
  await printedWhen(place, ['status', 'left'], /Source .*no worker is on the batch/);

  const stopped = await place.cli(['server', 'stop']);
  assert.equal(stopped.code, 0);
  assert.match(stopped.stdout, /A batch was open on it\..*to continue:\n {2}durabatch resume left\n/);
  assert.deepEqual(await facts(['status', 'left']), ['crashed', 'ledger', 2, 2]);
  assert.match((await place.cli(['server', 'status'])).stdout, /not running/);

  const otherHome = await createTestHome();
  const env = { ...place.env, ...(await testEnv(otherHome)) };
  t.after(() => rm(otherHome, { recursive: true, force: true }));
  assert.equal((await place.cli(['status', 'left'], { env })).code, 2);
  const there = ['--output-dir', 'out'];
  assert.deepEqual(await facts(['status', 'left', ...there], env), ['crashed', 'ledger', 2, 2]);
  assert.deepEqual(await facts(['list', ...there], env), ['crashed', 'ledger', 2, 2]);
  const report = await place.cli(['report', 'left', ...there, '--to', 'partial'], { env });
  assert.equal(report.code, 0, report.stderr);
  assert.match(report.stdout, /partial: the batch is crashed/);

  gate.open();
  const resumed = await place.cli(['resume', 'left', ...there]);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.equal(provider.requests, 6);
});
