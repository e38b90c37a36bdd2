import assert from 'node:assert/strict';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WorkerPulse } from '../../../src/store/workers/worker-pulse.ts';
import { readWorkerRecords } from '../../../src/store/workers/worker-records.ts';
import { putInTheWay } from '../support/put-in-the-way.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const LAPSE_MS = 30_000;

async function pulseOf(t: TestContext) {
  const batchFolder = await temporaryFolder(t);
  const time = { monotonic: 1000, wall: 5000, run: 1 as number | null };
  const pulse = new WorkerPulse({
    ...{ batchFolder, owner: '7_host', worker: '7@host/1/x', lapseMs: LAPSE_MS },
    run: async () => time.run,
    clocks: { monotonic: () => time.monotonic, wall: () => time.wall },
  });
  const pass = (ms: number): void => {
    time.monotonic += ms;
    time.wall += ms;
  };
  const text = async (): Promise<string> => {
    const [name = ''] = await readdir(join(batchFolder, 'workers'));
    return readFile(join(batchFolder, 'workers', name), 'utf8');
  };
  return { batchFolder, time, pulse, pass, text };
}

test('a record tells whose it is, grows with each sign of life, and says when its process leaves', async (t) => {
  const { batchFolder, pulse, text, time } = await pulseOf(t);
  await pulse.renew();
  await pulse.renew();
  await pulse.renew();
  assert.equal(await text(), '{"worker":"7@host/1/x","run":1}\n..');
  time.run = 2;
  await pulse.renew();
  await pulse.renew();
  await pulse.leave();
  const [record] = (await readWorkerRecords(batchFolder)) ?? [];
  const { renewedAt: _, at, ...facts } = record!;
  assert.deepEqual(facts, { owner: '7_host', worker: '7@host/1/x', run: 2, left: true });
  assert.equal(at, new Date(time.wall).toISOString());
});

test('a process that is renewed in time keeps its life', async (t) => {
  const { pulse, pass } = await pulseOf(t);
  const life = await pulse.assure();
  for (let beat = 0; beat < 20; beat++) {
    pass(5000);
    await pulse.renew();
  }
  assert.ok(pulse.holds(life));
  pass(LAPSE_MS - 1);
  assert.ok(pulse.holds(life));
  assert.equal(await pulse.assure(), life);
});

for (const [title, clock] of [
  ['by the monotonic clock', 'monotonic'],
  ['by the wall clock, as after a suspend', 'wall'],
] as const) {
  test(`a lapse ${title} ends a life, and what was read before it is too old`, async (t) => {
    const { pulse, time } = await pulseOf(t);
    const life = await pulse.assure();
    time[clock] += LAPSE_MS;
    assert.ok(!pulse.holds(life));
    const readAt = time.monotonic - 1;
    const next = await pulse.assure();
    assert.notEqual(next, life);
    assert.ok(pulse.aliveSince > readAt);
    assert.ok(pulse.holds(next) && !pulse.holds(life));
  });
}

test('a renewal that comes first after a freeze does not hide the freeze', async (t) => {
  const { pulse, pass } = await pulseOf(t);
  const life = await pulse.assure();
  pass(LAPSE_MS + 1);
  await pulse.renew();
  assert.ok(!pulse.holds(life));
});

test('a process that cannot reach the store is told so instead of going on, and lives again once it can', async (t) => {
  const { batchFolder, pulse, pass } = await pulseOf(t);
  const life = await pulse.assure();
  await putInTheWay(join(batchFolder, 'workers'));
  pass(LAPSE_MS);
  await assert.rejects(pulse.assure(), { syscall: 'open' });
  assert.ok(!pulse.holds(life));
  await rm(join(batchFolder, 'workers'), { recursive: true });
  assert.notEqual(await pulse.assure(), life);
  const [record] = (await readWorkerRecords(batchFolder)) ?? [];
  assert.equal(record?.worker, '7@host/1/x', 'a record that was cleared away says again whose it is');
});

test('a batch folder that is gone does not come back empty', async (t) => {
  const { batchFolder, pulse } = await pulseOf(t);
  await rm(batchFolder, { recursive: true });
  await assert.rejects(pulse.renew(), { code: 'ENOENT' });
  await assert.rejects(readdir(batchFolder), { code: 'ENOENT' });
});
