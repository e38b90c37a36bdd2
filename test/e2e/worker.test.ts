import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { fillDisk, noSmallDisk, smallDisk } from '../store/support/small-disk.ts';
import { reply } from '../support/fake-provider.ts';
import { until } from '../support/until.ts';
import { useTestServer } from '../support/temporal-server.ts';
import {
  createGate,
  createWorkplace,
  newestResults,
  promptTexts,
  readLedger,
  readResults,
  statusWhen,
} from './workplace.ts';

const server = useTestServer();

test('a worker does the detached batches of its folder, earlier and later ones, and no others', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(3));
  const detach = async (id: string, folder: string) => {
    const { code, lines, stderr } = await place.run(file, [
      '--id',
      id,
      '--output-dir',
      folder,
      '--no-reuse',
      '--detach',
      '--json',
    ]);
    assert.equal(code, 0, stderr);
    const started = lines.at(-1)!;
    assert.deepEqual([started['type'], started['batch_id']], ['started', id]);
  };
  await detach('elsewhere', 'other');
  await detach('early', 'out');
  assert.equal(provider.requests, 0);
  const worker = place.start(['worker', '--output-dir', 'out']);
  await worker.said(/early: done/);
  await detach('late', 'out');
  const watch = await place.cli(['watch', 'late', '--json']);
  assert.deepEqual([watch.code, watch.lines.at(-1)!['state']], [0, 'succeeded'], watch.stdout);
  assert.equal(provider.requests, 6);
  assert.doesNotMatch(worker.output, /elsewhere/);
  assert.equal((await place.cli(['status', 'elsewhere', '--json'])).lines[0]!['state'], 'waiting');
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
});

test(
  'a worker told to stop ends after the requests in flight',
  { skip: process.platform === 'win32' },
  async (t) => {
    const gate = createGate();
    const place = await createWorkplace(t, server, { script: gate.script });
    const { provider } = place;
    const file = await place.write('prompts.json', promptTexts(5));
    assert.equal((await place.run(file, ['--id', 'stopped', '--max-workers', '2', '--detach'])).code, 0);
    const worker = place.start(['worker', '--output-dir', 'out']);
    await provider.until(() => provider.inFlight === 2);
    worker.kill('SIGTERM');
    await worker.said(/2 requests in flight/);
    gate.open();
    assert.equal((await worker.ended).code, 0);
    assert.deepEqual([provider.requests, provider.answered.requests, provider.abortedByClient], [2, 2, 0]);
    const resumed = await place.cli(['resume', 'stopped']);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    assert.equal(provider.requests, 5);
    assert.equal((await readResults(join(place.folder, 'out'))).summary.successful_items, 5);
  },
);

describe('answers that came to a full disk', { skip: noSmallDisk }, () => {
  /** A worker that has three paid answers in memory, on a batch that is paused for it. */
  async function withoutRoom(t: TestContext, id: string, more: NodeJS.ProcessEnv = {}) {
    const disk = await smallDisk(t, 512);
    if (disk === null) return null;
    const gate = createGate();
    const place = await createWorkplace(t, server, {
      // Longer than what is left of a file's last block.
      script: async () => (await gate.script()) ?? reply.ok({ text: 'long '.repeat(1000) }),
    });
    const { provider } = place;
    const file = await place.write('prompts.json', promptTexts(3));
    const detached = await place.run(file, ['--id', id, '--output-dir', disk, '--detach']);
    assert.equal(detached.code, 0, detached.stderr);
    const worker = place.start(['worker', '--output-dir', disk], { env: { ...place.env, ...more } });
    await provider.until(() => provider.inFlight === 3);
    const filler = await fillDisk(disk);
    gate.open();
    const isPaused = ({ state, running }: Record<string, any>): boolean =>
      state === 'paused' && running === 0;
    await statusWhen(place, id, isPaused, ['--output-dir', disk]);
    assert.equal(await answersOn(disk, id), 0);
    assert.doesNotMatch(worker.output, /only in memory/);
    const resume = async (): Promise<void> => {
      const { code, stdout, stderr } = await place.cli(['resume', id, '--output-dir', disk]);
      assert.equal(code, 0, stdout + stderr);
      assert.equal((await newestResults(disk)).summary.successful_items, 3);
      assert.equal(provider.requests, 3, 'nothing is bought twice');
    };
    return { disk, worker, makeRoom: () => rm(filler), resume };
  }

  const answersOn = async (disk: string, id: string): Promise<number> =>
    (await readLedger(join(disk, id))).filter(({ type }) => type === 'answer').length;

  for (const [what, code] of [
    ['an exception', 'setImmediate(() => { throw new Error("nobody expected this") })'],
    ['a rejection', 'Promise.reject(new Error("nobody expected this"))'],
  ] as const) {
    test(`are waited for at ${what} that nobody caught`, async (t) => {
      const bug = encodeURIComponent(`process.on('SIGUSR2', () => { ${code} })`);
      const place = await withoutRoom(t, `bug-${code.length}`, {
        NODE_OPTIONS: `--import=data:text/javascript,${bug}`,
      });
      if (!place) return;
      const { disk, worker, makeRoom, resume } = place;
      worker.kill('SIGUSR2');
      await worker.said(/error: nobody expected this/);
      await worker.said(/3 paid answers are only in memory/);
      await makeRoom();
      assert.equal((await worker.ended).code, 1);
      assert.equal(await answersOn(disk, `bug-${code.length}`), 3);
      await resume();
    });
  }

  test('are saved as soon as there is room, for whoever goes on', async (t) => {
    const place = await withoutRoom(t, 'roomy');
    if (!place) return;
    const { disk, worker, makeRoom, resume } = place;
    await makeRoom();
    await until(async () => (await answersOn(disk, 'roomy')) === 3);
    worker.kill('SIGKILL');
    await worker.ended;
    await resume();
  });

  test('keep a worker that is told to stop until there is room', async (t) => {
    const place = await withoutRoom(t, 'told');
    if (!place) return;
    const { disk, worker, makeRoom, resume } = place;
    worker.kill('SIGTERM');
    await worker.said(/told: 3 paid answers are only in memory: .*ENOSPC.*Make room/);
    await makeRoom();
    assert.equal((await worker.ended).code, 0);
    assert.equal(await answersOn(disk, 'told'), 3);
    await resume();
  });

  test('are not left behind with a batch that was ended from outside', async (t) => {
    const place = await withoutRoom(t, 'ended');
    if (!place) return;
    const { disk, worker, makeRoom, resume } = place;
    const connection = await Connection.connect({ address: server.address });
    await new Client({ connection }).workflow.getHandle('ended').terminate('by hand');
    await connection.close();
    await worker.said(/ended: 3 paid answers are only in memory/);
    await makeRoom();
    await worker.said(/ended: done/);
    assert.equal(await answersOn(disk, 'ended'), 3);
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0);
    await resume();
  });
});
