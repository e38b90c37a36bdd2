/** Workers and lists beside many finished batches: what they ask of the server is counted by the server itself. */
import assert from 'node:assert/strict';
import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before as beforeAll, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { reply } from '../support/fake-provider.ts';
import { serverRequests } from '../support/server-requests.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import { batchIdsIn, createGate, createWorkplace, promptTexts, type Workplace } from './workplace.ts';

const COPIES = 40;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
after(() => server.stop());

/** Finished batches as like `id` as can be, which the server does not know. */
async function copyBatch({ outputDir }: Workplace, id: string): Promise<void> {
  const manifest = await readFile(join(outputDir, id, 'batch.json'), 'utf8');
  for (let copy = 1; copy <= COPIES; copy++) {
    const folder = join(outputDir, `${id}-${copy}`);
    await cp(join(outputDir, id), folder, { recursive: true });
    await writeFile(
      join(folder, 'batch.json'),
      manifest.replace(`"batch_id": "${id}"`, `"batch_id": "${id}-${copy}"`),
    );
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 120_000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, 'it took more than two minutes');
    await sleep(100);
  }
}

/** All that was asked so far: the server publishes its counts now and then, those of a moment together. */
async function requestsSoFar(): Promise<Map<string, number>> {
  const marker = 'CountWorkflowExecutions';
  const { client, close } = await connect();
  const soFar = (await serverRequests(server)).get(marker) ?? 0;
  await client.workflow.count("WorkflowType = 'promptBatch'");
  await close();
  await until(async () => ((await serverRequests(server)).get(marker) ?? 0) > soFar);
  return serverRequests(server);
}

async function connect(): Promise<{ client: Client; close: () => Promise<void> }> {
  const connection = await Connection.connect({ address: server.address });
  return { client: new Client({ connection }), close: () => connection.close() };
}

/** How often the server was asked for this, until it has been asked for `operation` so many times more. */
async function askedMeanwhile(asked: string, operation: string, times: number): Promise<number> {
  const requests = async (name: string): Promise<number> => (await serverRequests(server)).get(name) ?? 0;
  const [askedBefore, timesBefore] = [await requests(asked), await requests(operation)];
  await until(async () => (await requests(operation)) >= timesBefore + times);
  return (await requests(asked)) - askedBefore;
}

/**
 * The server's list lags behind: for a while it has finished batches as open ones. A worker describes what one list
 * has before it asks for the next, so nothing described over two lists means that the first had none of them.
 */
async function assertNothingIsDescribed(): Promise<void> {
  const describes = (lists: number): Promise<number> =>
    askedMeanwhile('DescribeWorkflowExecution', 'ListWorkflowExecutions', lists);
  await until(async () => (await describes(2)) === 0);
  assert.equal(await describes(5), 0);
}

test('a worker asks nothing about finished batches, and notices what opens, goes on or is moved in', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ prompt, promptCount }) => {
      if (prompt !== 'fail') return undefined;
      return promptCount === 1 ? reply.status(400) : gate.script();
    },
  });
  const file = await place.write('finished.json', ['fine', 'fail']);
  assert.equal((await place.run(file, ['--id', 'finished'])).code, 3);
  await copyBatch(place, 'finished');
  const worker = place.start(['worker', '--output-dir', 'out']);
  await worker.said(/Working on the open batches/);
  await assertNothingIsDescribed();

  const late = await place.write('late.json', promptTexts(2));
  assert.equal((await place.run(late, ['--id', 'late', '--detach'])).code, 0);
  await worker.said(/late: working on it/);
  await worker.said(/late: done/);

  const retried = place.start(['retry', 'finished', '--output-dir', 'out']);
  await worker.said(/finished: working on it/);
  gate.open();
  await worker.said(/finished: done/);
  assert.equal((await retried.ended).code, 0);

  const away = await place.write('away.json', promptTexts(3));
  const folder = join(place.outputDir, 'away');
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  assert.equal((await place.run(away, ['--id', 'away', '--detach'])).code, 0);
  await rename(folder, join(place.folder, 'kept'));
  const next = place.start(['worker', '--output-dir', 'out']);
  await next.said(/Working on the open batches/);
  await assertNothingIsDescribed();
  await rename(join(place.folder, 'kept'), folder);
  await next.said(/away: done/);
  next.kill('SIGTERM');
  assert.equal((await next.ended).code, 0);
  assert.doesNotMatch(worker.output + next.output, /Cannot look after/);
});

test('list asks the server for its list, and for no finished batch', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) => (prompt === 'wait' ? gate.script() : undefined),
  });
  assert.equal((await place.run(await place.write('over.json', ['one']), ['--id', 'over'])).code, 0);
  await copyBatch(place, 'over');
  const open = place.startRun(await place.write('open.json', ['wait']), ['--id', 'open']);
  await place.provider.until(() => place.provider.inFlight === 1);

  for (const flags of [['--output-dir', 'out'], []]) {
    const first = await requestsSoFar();
    const { code, lines, stderr } = await place.cli(['list', '--json', ...flags]);
    const asked = (name: string, counts: Map<string, number>): number => counts.get(name) ?? 0;
    const now = await requestsSoFar();
    assert.equal(code, 0, stderr);
    const [newest, ...others] = lines.filter(({ output_dir: folder }) => folder === place.outputDir);
    assert.deepEqual([newest!['batch_id'], newest!['state']], ['open', 'running']);
    const over = others.filter(({ state }) => state === 'succeeded');
    if (flags.length > 0) assert.equal(over.length, COPIES + 1);
    const page = over.find(({ batch_id: id }) => id === 'over')!;
    assert.match(page['web_ui'], /\/workflows\/over\//);
    assert.equal(page['source'], 'ledger-and-temporal');
    assert.equal(
      asked('ListWorkflowExecutions', now) - asked('ListWorkflowExecutions', first),
      1,
      'in one call',
    );
    // The open batch is followed by its own command meanwhile: only what the list asks grows with the copies.
    const describes = asked('DescribeWorkflowExecution', now) - asked('DescribeWorkflowExecution', first);
    assert.ok(describes < COPIES, `${describes} batches were asked for`);
  }
  gate.open();
  assert.equal((await open.ended).code, 0);
});

test('slots hold over all batches of a worker, and no batch waits for another one to end', async (t) => {
  const gates: (() => void)[] = [];
  let isOpen = false;
  const place = await createWorkplace(t, server, {
    script: async () => {
      if (!isOpen) await new Promise<void>((open) => gates.push(open));
      return undefined;
    },
  });
  const { provider } = place;
  const ids = ['first', 'second', 'third'];
  const detach = async (id: string): Promise<void> => {
    const texts = promptTexts(20).map((text) => `${id}: ${text}`);
    const { code, stderr } = await place.run(await place.write(`${id}.json`, texts), [
      '--id',
      id,
      '--max-workers',
      '20',
      '--detach',
    ]);
    assert.equal(code, 0, stderr);
  };
  const { client, close } = await connect();
  t.after(close);
  /** Whether a prompt of the batch has come to the worker. */
  const hasStarted = async (id: string): Promise<boolean> => {
    const { raw } = await client.workflow.getHandle(id).describe();
    return (raw.pendingActivities ?? []).some(
      ({ state, activityType }) => state === 2 && activityType?.name === 'completePrompt',
    );
  };
  const requestsOf = (id: string): number =>
    provider.requestsLog.filter(({ prompt }) => prompt.startsWith(`${id}:`)).length;

  await detach('first');
  const worker = place.start(['worker', '--output-dir', 'out', '--concurrency', '4']);
  await provider.until(() => provider.inFlight === 4);
  await detach('second');
  await detach('third');
  await worker.said(/second: working on it/);
  await worker.said(/third: working on it/);
  // One request ends at a time: its slot goes to a batch that has fewer.
  for (let released = 0; requestsOf('second') === 0 || requestsOf('third') === 0; released++) {
    assert.ok(released < 12, 'the first batch gets every slot');
    for (const id of ['second', 'third']) await until(() => hasStarted(id));
    const sent = provider.requests;
    gates.shift()!();
    await provider.until(() => provider.requests > sent);
  }
  isOpen = true;
  for (const open of gates.splice(0)) open();
  for (const id of ids) await worker.said(new RegExp(`${id}: done`));
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  assert.deepEqual([provider.requests, provider.peakInFlight], [60, 4]);
});

test('while all slots are in use, another batch is cancelled, reported, and served by a worker with room', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) => (prompt === 'long' ? gate.script() : undefined),
  });
  const { provider } = place;
  const detach = async (id: string, prompts: string[]): Promise<void> => {
    const { code, stderr } = await place.run(await place.write(`${id}.json`, prompts), [
      '--id',
      id,
      '--detach',
    ]);
    assert.equal(code, 0, stderr);
  };
  await detach('full', ['long']);
  const worker = place.start(['worker', '--output-dir', 'out', '--concurrency', '1']);
  await provider.until(() => provider.inFlight === 1);

  await detach('unwanted', promptTexts(3));
  await worker.said(/unwanted: working on it/);
  const cancelled = await place.cli(['cancel', 'unwanted', '--output-dir', 'out', '--now']);
  assert.equal(cancelled.code, 0, cancelled.stdout + cancelled.stderr);
  await worker.said(/unwanted: done/);

  await detach('other', promptTexts(3));
  await worker.said(/other: working on it/);
  const helper = place.start(['worker', '--output-dir', 'out']);
  await helper.said(/other: done/);
  assert.deepEqual([provider.requests, provider.inFlight], [4, 1]);
  gate.open();
  await worker.said(/full: done/);
  for (const each of [worker, helper]) each.kill('SIGTERM');
  assert.deepEqual([(await worker.ended).code, (await helper.ended).code], [0, 0]);
});

const deep = `"later":${'['.repeat(20_000)}${']'.repeat(20_000)}`;
const damages: [title: string, damage: (manifest: string) => string][] = [
  ['is damaged', () => '{'],
  ['has a setting nested beyond reading', (text) => text.replace(/"settings": \{/, `$&${deep},`)],
  ['has a limit nested beyond reading', (text) => text.replace(/"limits": \{/g, `$&${deep},`)],
];
for (const [title, damage] of damages)
  test(`a worker leaves an open batch alone whose manifest ${title}, says so once, and works on the others`, async (t) => {
    const place = await createWorkplace(t, server);
    const [one, two] = [await place.write('one.json', ['one']), await place.write('two.json', ['two'])];
    for (const file of [one, two]) assert.equal((await place.run(file, ['--detach'])).code, 0);
    const ids = await batchIdsIn(place.outputDir);
    const newest = ids.find((id) => id.startsWith('two-'))!;
    const files = [join('revisions', '000002.json'), 'batch.json'].map((name) =>
      join(place.outputDir, newest, name),
    );
    const kept = await Promise.all(files.map((file) => readFile(file)));
    for (const [at, file] of files.entries()) await writeFile(file, damage(kept[at]!.toString()));
    const worker = place.start(['worker', '--output-dir', 'out']);
    await worker.said(/^one-\w+: done\.$/m);
    assert.equal(place.provider.requests, 1);
    for (const [at, file] of files.entries()) await writeFile(file, kept[at]!);
    await worker.said(/^two-\w+: done\.$/m);
    assert.equal(worker.output.match(/^two-\w+: left alone\. .+ is not a batch manifest/gm)?.length, 1);
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0);
  });
