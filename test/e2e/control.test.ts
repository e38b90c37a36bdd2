import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { readRecord } from '../../src/temporal-server/server-record.ts';
import { useTestServer, testEnv } from '../support/temporal-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  createGate,
  createWorkplace,
  loseTemporalDatabase,
  promptTexts,
  printedWhen,
  readResults,
  statusWhen,
  type Workplace,
} from './workplace.ts';

const server = useTestServer();

/** What was noted beside a batch of who asked what. */
const controlsOf = async ({ outputDir }: Workplace, id: string): Promise<Record<string, unknown>[]> =>
  (await readFile(join(outputDir, id, 'controls.jsonl'), 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("an operator's pause outlives worker, server and database, and is resumed at another concurrency", async (t) => {
  const [untilPaused, untilAllSlotsAreUsed] = [createGate(), createGate()];
  let gate = untilPaused;
  const place = await createWorkplace(t, server, {
    script: ({ total }) => (total > 3 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(24));
  const run = place.startRun(file, ['--id', 'held', '--max-workers', '3']);
  await provider.until(() => provider.answered.requests >= 3);

  const paused = await place.cli(['pause', 'held', '--reason', 'new prices at noon', '--json']);
  assert.equal(paused.code, 0, paused.stdout + paused.stderr);
  const answer = paused.lines.at(-1)!;
  assert.deepEqual(
    [answer['state'], answer['worker_alive'], answer['pause'].reason, answer['pause'].message],
    ['paused', true, 'operator', 'new prices at noon'],
  );
  assert.match(answer['pause'].by, /^.+@.+$/);
  untilPaused.open();
  const left = await run.ended;
  assert.equal(left.code, 5, left.stdout + left.stderr);
  assert.match(left.stdout, /paused by .+@.+: new prices at noon/);
  assert.match(left.stdout, /^ *durabatch resume held$/m);
  const asked = provider.requests;
  assert.ok(asked < 24 && provider.answered.requests === asked, 'what ran has finished');

  // A worker that comes holds the pause too; all is killed under it, then the database is lost.
  const worker = place.start(['worker', '--output-dir', 'out']);
  await worker.said(/working on it/);
  worker.kill('SIGKILL');
  await worker.ended;
  process.kill(readRecord(server.home)!.pid!, 'SIGKILL');
  assert.equal((await place.run(file, ['--id', 'held'])).code, 5, '"run" lifts no pause');
  await loseTemporalDatabase(place, server);
  const afterLoss = await place.run(file, ['--id', 'held']);
  assert.equal(afterLoss.code, 5, afterLoss.stdout + afterLoss.stderr);
  assert.match(afterLoss.stdout, /paused by .+@.+: new prices at noon/);
  assert.equal(provider.requests, asked);

  gate = untilAllSlotsAreUsed;
  const resume = place.start(['resume', 'held', '--max-workers', '8', '--reason', 'prices are in']);
  await provider.until(() => provider.inFlight === 8);
  untilAllSlotsAreUsed.open();
  const resumed = await resume.ended;
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.equal(provider.requests, 24);
  assert.equal(provider.peakInFlight, 8);
  assert.equal((await readResults(place.outputDir)).summary.successful_items, 24);
  assert.deepEqual(
    (await controlsOf(place, 'held')).map(({ control, reason }) => [control, reason]),
    [
      ['pause', 'new prices at noon'],
      ['set', 'prices are in'],
      ['resume', 'prices are in'],
    ],
  );
});

describe('with no worker alive', () => {
  test('"pause" is carried out, says so, and buys nothing', async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', promptTexts(3));
    assert.equal((await place.run(file, ['--id', 'idle', '--detach'])).code, 0);
    const detached = await place.run(file, ['--id', 'idle', '--detach', '--max-workers', '2']);
    assert.equal(detached.code, 0, detached.stderr);
    assert.match(
      detached.stderr,
      /already running; --max-workers was ignored\. Change it with: .*durabatch set idle --max-workers 2/,
    );
    const paused = await place.cli(['pause', 'idle']);
    assert.equal(paused.code, 0, paused.stdout + paused.stderr);
    assert.match(paused.stdout, /State +paused by .+@.+: no reason given/);
    assert.match(paused.stderr, /No worker is on this batch.*durabatch resume idle/);

    const again = await place.cli(['pause', 'idle', '--json']);
    assert.equal(again.code, 2);
    assert.match(
      again.lines.at(-1)!['message'],
      /idle: the batch is already paused: operator, .+: no reason given/,
    );
    assert.equal(place.provider.requests, 0);
    assert.equal((await place.cli(['resume', 'idle'])).code, 0);
    const over = await place.cli(['pause', 'idle']);
    assert.equal(over.code, 2);
    assert.match(over.stderr, /idle is not running \(state: succeeded\), so nothing was changed/);
  });
});

test('"set" leaves the client as it is: what was learnt of the provider holds', async (t) => {
  const gate = createGate();
  const severalAsked: number[] = [];
  const place = await createWorkplace(t, server, {
    honourN: false,
    script: ({ total, body }) => {
      if (Number(body['n'] ?? 1) > 1) severalAsked.push(total);
      return total === 3 ? gate.script() : undefined;
    },
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(6));
  const run = place.startRun(file, ['--id', 'learnt', '--max-workers', '1', '--completions', '2']);
  await provider.until(() => provider.inFlight === 1 && provider.requests === 3);
  const set = await place.cli(['set', 'learnt', '--max-workers', '2', '--patience', '2h']);
  assert.equal(set.code, 0, set.stdout + set.stderr);
  gate.open();
  const { code, stdout } = await run.ended;
  assert.equal(code, 0, stdout);
  assert.deepEqual(severalAsked, [1], 'several choices were asked for once');
});

test('"set --max-workers" takes effect on a running batch at once, beyond what its worker began with', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, { script: gate.script });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(40));
  const run = place.startRun(file, ['--id', 'grown', '--max-workers', '2']);
  await provider.until(() => provider.inFlight === 2);
  const set = await place.cli(['set', 'grown', '--max-workers', '30', '--patience', '2h', '--json']);
  assert.equal(set.code, 0, set.stdout + set.stderr);
  assert.equal(set.lines.at(-1)!['progress'].max_workers, 30);
  await provider.until(() => provider.inFlight === 30);
  gate.open();
  const { code, stdout } = await run.ended;
  assert.equal(code, 0, stdout);
  assert.deepEqual(
    (await controlsOf(place, 'grown')).map(({ changes }) => changes),
    [{ maxWorkers: 30, autoWorkers: false, patienceMs: 7_200_000 }],
  );
});

describe('from a machine that has only the address of the Temporal server', () => {
  /** Commands of another user of another machine: no folder of this batch, and no memory of it. */
  async function elsewhere(t: TestContext): Promise<Workplace> {
    const home = await temporaryFolder(t);
    const env = { ...(await testEnv(home)), TEMPORAL_ADDRESS: server.address };
    return createWorkplace(t, { env });
  }

  test('a batch with a worker is seen, paused, set, resumed and cancelled', async (t) => {
    const gate = createGate();
    const place = await createWorkplace(t, server, {
      script: ({ total }) => (total > 2 ? gate.script() : undefined),
    });
    const { provider } = place;
    const file = await place.write('prompts.json', promptTexts(40));
    assert.equal((await place.run(file, ['--id', 'far', '--max-workers', '2', '--detach'])).code, 0);
    const worker = place.start(['worker', '--output-dir', 'out']);
    await provider.until(() => provider.answered.requests === 2 && provider.inFlight === 2);
    const away = await elsewhere(t);
    const { cli } = away;

    const status = await statusWhen(away, 'far', (one) => one['source'] === 'workflow');
    const { state, source, succeeded, total, output_dir, folder_host, batch_name } = status;
    assert.deepEqual(
      { state, source, succeeded, total, output_dir, folder_host, batch_name },
      {
        ...{ state: 'running', source: 'workflow', succeeded: 2, total: 40 },
        ...{ output_dir: place.outputDir, folder_host: hostname(), batch_name: 'prompts.json' },
      },
    );
    await printedWhen(away, ['status', 'far'], /Output .*out on .*, not here$/m);
    const paused = await cli(['pause', 'far', '--reason', 'from afar']);
    assert.equal(paused.code, 0, paused.stdout + paused.stderr);
    assert.match(paused.stdout, /State +paused by .+: from afar/);
    assert.equal((await cli(['pause', 'far'])).code, 2);
    const set = await cli(['set', 'far', '--max-workers', '7', '--json']);
    assert.equal(set.lines.at(-1)!['progress'].max_workers, 7, set.stdout + set.stderr);
    const resumed = await cli(['resume', 'far', '--json']);
    assert.deepEqual(
      [resumed.code, resumed.lines.at(-1)!['state']],
      [0, 'running'],
      resumed.stdout + resumed.stderr,
    );
    await provider.until(() => provider.inFlight === 7);
    const cancelled = await cli(['cancel', 'far', '--now']);
    assert.equal(cancelled.code, 0, cancelled.stdout + cancelled.stderr);
    assert.match(cancelled.stdout, /State +cancelled/);
    assert.equal((await place.cli(['status', 'far', '--json'])).lines[0]!['state'], 'cancelled');
    const over = await cli(['pause', 'far']);
    assert.equal(over.code, 2);
    assert.match(over.stderr, /far is not running \(state: cancelled\), so nothing was changed/);
    assert.deepEqual(
      (await controlsOf(place, 'far')).map(({ control }) => control),
      ['pause', 'set', 'resume'],
    );
    gate.open();
    worker.kill('SIGTERM');
    await worker.ended;
  });

  test('one without a worker hears it all the same, and the next worker at its folder notes it', async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', promptTexts(4));
    assert.equal((await place.run(file, ['--id', 'quiet', '--detach'])).code, 0);
    const { cli } = await elsewhere(t);
    const paused = await cli(['pause', 'quiet', '--reason', 'not yet', '--json']);
    assert.equal(paused.code, 0, paused.stdout + paused.stderr);
    const last = paused.lines.findLast(({ type }) => type === 'pause')!;
    assert.deepEqual(
      [last['state'], last['worker_alive'], last['source'], last['pause'].message],
      ['paused', false, 'temporal', 'not yet'],
    );
    assert.match(paused.stdout, /Its folder is .*out on /);
    assert.equal((await cli(['pause', 'quiet'])).code, 2, 'it is paused already');
    assert.equal((await place.run(file, ['--id', 'quiet'])).code, 5);
    assert.deepEqual(
      (await controlsOf(place, 'quiet')).map(({ control, reason }) => [control, reason]),
      [['pause', 'not yet']],
    );

    assert.equal((await cli(['resume', 'quiet'])).code, 0);
    assert.equal(place.provider.requests, 0);
    const end = await place.run(file, ['--id', 'quiet']);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.equal((await cli(['status', 'quiet', '--json'])).lines[0]!['state'], 'succeeded');
    assert.match((await cli(['status', 'nowhere'])).stderr, /there is no batch "nowhere"/);
  });
});

describe('what a tired person types', () => {
  for (const { args, says } of [
    { args: ['pause'], says: /pause needs the id of a batch/ },
    { args: ['pause', 'nowhere'], says: /there is no batch "nowhere"/ },
    { args: ['pause', 'x', '--reason', ''], says: /--reason: must be a text that is not empty/ },
    { args: ['pause', 'x', '--reason', 'y'.repeat(501)], says: /--reason: must be at most 500 characters/ },
    { args: ['set', 'x'], says: /say what to set: --max-workers/ },
    {
      args: ['set', 'x', '--max-workers', '0'],
      says: /--max-workers: must be a whole number from 1 to 5000, or "auto"/,
    },
    { args: ['set', 'x', '--patience', 'long'], says: /--patience: must be a duration/ },
  ]) {
    test(`${args.join(' ').slice(0, 40)}: exit 2, one sentence`, async (t) => {
      const place = await createWorkplace(t, server);
      const { code, stderr } = await place.cli(args);
      assert.equal(code, 2);
      assert.match(stderr, says);
    });
  }
});
