import assert from 'node:assert/strict';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { BatchStore } from '../../../src/store/batch-store.ts';
import type { ManifestRun } from '../../../src/store/manifest/manifest.ts';
import { WorkerPulse } from '../../../src/store/workers/worker-pulse.ts';
import { assertNobodyElsewhere } from '../../../src/client/start/working-elsewhere.ts';
import { toFileName, workerIdentity } from '../../../src/system/worker-identity.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const run = { run: 1, started_at: '2026-01-01T00:00:00.000Z', server: 'one' } as ManifestRun;
const [, start = '', scope = ''] = workerIdentity().split('/');
/** The parent of this process lives, and has another start. */
const ofNobody = `${process.ppid}_${toFileName(hostname())}_${start}_${scope}-00000000.jsonl`;

for (const [title, file, ageMs, isRefused] of [
  ['a process of this machine that is gone', ofNobody, 0, false],
  ['another machine, heard of just now', `7_other-host_${start}_${scope}-00000000.jsonl`, 0, true],
  ['another machine, not heard of for long', `7_other-host_${start}_${scope}-00000000.jsonl`, 600_000, false],
  ['a name that tells nothing, heard of just now', '7_mac_darwin-00000000.jsonl', 0, true],
  ['this very process', `${toFileName(workerIdentity())}-00000000.jsonl`, 0, false],
] as const) {
  test(
    `${isRefused ? 'refused' : 'taken over'}: ${title}`,
    { skip: process.platform !== 'linux' },
    async (t) => {
      const folder = await temporaryFolder(t);
      await mkdir(join(folder, 'ledger', '00000'), { recursive: true });
      const path = join(folder, 'ledger', '00000', file);
      await writeFile(path, '');
      const at = new Date(Date.now() - ageMs);
      await utimes(path, at, at);
      const store = { batchId: 'b', folder } as BatchStore;
      const looked = assertNobodyElsewhere(store, run, 'two');
      if (isRefused) await assert.rejects(looked, /worked on through another Temporal server/);
      else await looked;
      await assertNobodyElsewhere(store, run, 'one');
    },
  );
}

/** A batch with the liveness record of this worker. */
async function recordedBatch(t: TestContext, worker: string) {
  const folder = await temporaryFolder(t);
  const pulse = new WorkerPulse({
    batchFolder: folder,
    worker,
    owner: toFileName(worker),
    run: async () => 1,
  });
  await pulse.renew();
  return { store: { batchId: 'b', folder } as BatchStore, pulse };
}

const far = '7@other-host/1-00000000/00000000-1';

test('refused: a worker of another machine whose record moves', async (t) => {
  const { store, pulse } = await recordedBatch(t, far);
  const looked = assertNobodyElsewhere(store, run, 'two', 60_000);
  const beats = setInterval(() => void pulse.renew(), 200);
  t.after(() => clearInterval(beats));
  await assert.rejects(looked, /by process 7@other-host/);
});

test('taken over: a worker of another machine whose record stands still for the lapse', async (t) => {
  const { store } = await recordedBatch(t, far);
  await assertNobodyElsewhere(store, run, 'two', 1500);
});

test('taken over: a worker of another machine that has left, though it wrote a moment ago', async (t) => {
  const { store, pulse } = await recordedBatch(t, far);
  await pulse.leave();
  await mkdir(join(store.folder, 'ledger', '00000'), { recursive: true });
  await writeFile(join(store.folder, 'ledger', '00000', `${toFileName(far)}-00000000.jsonl`), '');
  const started = { ...run, starter: far, started_at: new Date().toISOString() };
  await assertNobodyElsewhere(store, started, 'two');
});
