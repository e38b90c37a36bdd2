/** Liveness records of processes of this machine and of another one. */
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { processClocks, WorkerPulse } from '../../../src/store/workers/worker-pulse.ts';
import { openWorkersFolder, workersFolderOf } from '../../../src/store/workers/worker-records.ts';
import { toFileName, workerIdentity } from '../../../src/system/worker-identity.ts';

export const own = workerIdentity();
const [name = '', start = '', scope = ''] = own.split('/');
/** The pid of this process, at another start of it: that process is gone. */
export const gone =
  process.platform === 'linux'
    ? `${name}/1-${start.split('-')[1]}/${scope}`
    : `4194305@${name.split('@')[1]}/${start}/${scope}`;
export const far = `7@far.invalid/1-00000000/00000000-1`;

export interface RecordFacts {
  worker: string;
  run?: number;
  left?: boolean;
  /** How long before `now` it was last renewed, or left. Default: 0. */
  ageMs?: number;
}

export async function writeRecords(
  batchFolder: string,
  records: readonly RecordFacts[],
  now = Date.now(),
): Promise<void> {
  await openWorkersFolder(batchFolder);
  const folder = workersFolderOf(batchFolder);
  for (const { worker, run = 2, left = false, ageMs = 0 } of records) {
    const before = new Set(await readdir(folder));
    const clocks = { ...processClocks, wall: () => now - ageMs };
    const pulse = new WorkerPulse({
      ...{ batchFolder, worker, owner: toFileName(worker), clocks },
      run: async () => run,
    });
    await pulse.renew();
    if (left) await pulse.leave();
    const [file = ''] = (await readdir(folder)).filter((each) => !before.has(each));
    const at = new Date(now - ageMs);
    await utimes(join(folder, file), at, at);
  }
}
