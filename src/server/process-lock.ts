import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLiveProcess, processStart } from './live-process.ts';

export interface LockOptions {
  /** Called once, when somebody else holds the lock. */
  onWait?: (pid: number) => void;
  /** After this long without the lock an error is thrown. */
  timeoutMs?: number;
}

/**
 * Takes a lock between processes of one machine; the answer gives it back. A contender first announces
 * itself by a file of its own and then looks for others: of two, the later one sees the other, so both
 * never hold it. A file whose process is dead counts for nothing, so a kill leaves no lock behind.
 */
export const acquireProcessLock = async (
  folder: string,
  { onWait, timeoutMs = 10 * 60_000 }: LockOptions = {},
): Promise<() => Promise<void>> => {
  await mkdir(folder, { recursive: true });
  const ticket = `${process.pid}.${processStart(process.pid) ?? ''}.${randomUUID()}`;
  const path = join(folder, ticket);
  const deadline = Date.now() + timeoutMs;
  let told = false;
  for (;;) {
    let other = await findOther(folder, ticket);
    if (other === undefined) {
      await writeFile(path, '', { flag: 'wx' });
      other = await findOther(folder, ticket);
      if (other === undefined) return () => rm(path);
      await rm(path);
    } else if (!told) {
      told = true;
      onWait?.(other);
    }
    if (Date.now() > deadline) {
      throw new Error(
        `${folder}: process ${other} has held this lock for ${Math.round(timeoutMs / 1000)} s. ` +
          'Wait for that command to end, or end it, then try again.',
      );
    }
    await sleep(20 + Math.random() * 60);
  }
};

/** Pid of a live contender other than `own`. What the dead left is removed on the way. */
const findOther = async (folder: string, own: string): Promise<number | undefined> => {
  for (const name of await readdir(folder)) {
    const [pid, start] = name.split('.');
    if (name === own || !Number(pid)) continue;
    if (isLiveProcess(Number(pid), start || null)) return Number(pid);
    await rm(join(folder, name), { force: true });
  }
  return undefined;
};
