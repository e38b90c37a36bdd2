import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WorkerPulse } from '../../../src/store/workers/worker-pulse.ts';
import { WorkerWatch } from '../../../src/store/workers/worker-watch.ts';
import { type PidVerdict, toFileName } from '../../../src/system/worker-identity.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const LAPSE_MS = 30_000;
const far = '7@far/1-00000001/00000001-1';

/** Somebody who watches the workers of a batch by a clock of the test's own. */
async function watched(t: TestContext, pids: Record<string, PidVerdict> = {}) {
  const batchFolder = await temporaryFolder(t);
  let now = 0;
  const watch = new WorkerWatch({
    ...{ batchFolder, lapseMs: LAPSE_MS },
    monotonic: () => now,
    pidVerdictOf: (identity) => pids[identity] ?? 'unknown',
  });
  const pulseOf = (worker: string): WorkerPulse =>
    new WorkerPulse({ batchFolder, owner: toFileName(worker), worker, run: async () => 1 });
  /** Looks every two seconds for so long. */
  const watchFor = async (ms: number, meanwhile: () => Promise<void> = async () => {}): Promise<void> => {
    for (const end = now + ms; ; now += 2000) {
      await meanwhile();
      await watch.look();
      if (now >= end) return;
    }
  };
  return { batchFolder, watch, pulseOf, watchFor };
}

test('a process of another machine is alive as long as its record moves, and dead after the lapse', async (t) => {
  const { watch, pulseOf, watchFor } = await watched(t);
  const pulse = pulseOf(far);
  await watchFor(4 * LAPSE_MS, () => pulse.renew());
  assert.ok(watch.isAlive(far));
  await watchFor(LAPSE_MS - 2000);
  assert.ok(watch.isAlive(far));
  await watchFor(2000);
  assert.ok(!watch.isAlive(far));
  assert.deepEqual(
    watch.peers().map(({ worker, isAlive, hasLeft }) => [worker, isAlive, hasLeft]),
    [[far, false, false]],
  );
  await pulse.renew();
  await watch.look();
  assert.ok(watch.isAlive(far), 'it was frozen, and has come back');
});

test('a process that has just joined, and has no record at the last look, is alive until it was watched for the lapse', async (t) => {
  const { watch, watchFor } = await watched(t);
  await watchFor(2 * LAPSE_MS);
  assert.ok(watch.isAlive(far));
  await watchFor(LAPSE_MS - 2000);
  assert.ok(watch.isAlive(far));
  await watchFor(4000);
  assert.ok(!watch.isAlive(far));
});

test('a process that has left is dead at once', async (t) => {
  const { watch, pulseOf } = await watched(t);
  const pulse = pulseOf(far);
  await pulse.renew();
  await watch.look();
  await pulse.leave();
  assert.ok(watch.isAlive(far));
  await watch.look();
  assert.ok(!watch.isAlive(far));
});

test('a process of this machine is dead as soon as its pid is gone, however young its record', async (t) => {
  const pids: Record<string, PidVerdict> = { [far]: 'alive' };
  const { watch, pulseOf } = await watched(t, pids);
  await pulseOf(far).renew();
  await watch.look();
  assert.ok(watch.isAlive(far));
  pids[far] = 'dead';
  assert.ok(!watch.isAlive(far));
});

test('a process that lives by its pid and does not renew its record for the lapse is dead: it is frozen', async (t) => {
  const { watch, pulseOf, watchFor } = await watched(t, { [far]: 'alive' });
  await pulseOf(far).renew();
  await watchFor(LAPSE_MS);
  assert.ok(!watch.isAlive(far));
});

for (const [byPid, afterLapse] of [
  ['unknown', false],
  ['alive', true],
] as const) {
  test(`a process without a record, ${byPid} by its pid, is ${afterLapse ? 'alive' : 'dead'} after a lapse of watching`, async (t) => {
    const { watch, watchFor } = await watched(t, { [far]: byPid });
    assert.ok(watch.isAlive(far), 'nobody has looked yet');
    await watchFor(LAPSE_MS - 2000);
    assert.ok(watch.isAlive(far));
    await watchFor(2000);
    assert.equal(watch.isAlive(far), afterLapse);
  });
}

test('two workers of one process: one that leaves does not take the other with it', async (t) => {
  const { watch, pulseOf } = await watched(t);
  const [one, other] = [pulseOf(far), pulseOf(far)];
  await one.renew();
  await other.renew();
  await one.leave();
  await watch.look();
  assert.ok(watch.isAlive(far));
});

test('records that need not be watched any more are cleared away, others stay', async (t) => {
  const pids: Record<string, PidVerdict> = {};
  const { batchFolder, watch, pulseOf, watchFor } = await watched(t, pids);
  const [left, killed, silent] = ['1@far/1/x', '2@here/1/x', '3@far/1/x'] as const;
  const pulse = pulseOf(left);
  await pulse.renew();
  await pulse.leave();
  await pulseOf(killed).renew();
  await pulseOf(silent).renew();
  pids[killed] = 'dead';
  await watchFor(LAPSE_MS);
  await watch.clearAway();
  const [name, ...more] = await readdir(join(batchFolder, 'workers'));
  assert.match(name!, /^3_far/);
  assert.deepEqual(more, []);
});

test('what is no record, or torn, is no riddle', async (t) => {
  const { batchFolder, watch } = await watched(t);
  const folder = join(batchFolder, 'workers');
  await mkdir(folder);
  await writeFile(join(folder, '.DS_Store'), 'x');
  const torn = join(folder, `${toFileName(far)}-00000000.beats`);
  await writeFile(torn, '{"worker":"7@fa');
  await watch.look();
  assert.deepEqual(
    watch.peers().map(({ worker, isAlive }) => [worker, isAlive]),
    [[null, true]],
  );
  await appendFile(torn, 'r/1/x"}\n.');
  await watch.look();
  assert.equal(watch.peers()[0]!.worker, '7@far/1/x');
  await rm(folder, { recursive: true });
  await watch.look();
});
