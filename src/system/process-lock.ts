import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { appendFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pidScope } from './machine-scope.ts';
import { presentSize } from './files/present-size.ts';
import { StandstillWatch } from './standstill-watch.ts';
import { isLiveProcess, processStart } from './live-process.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from './files/private-mode.ts';

export interface LockOptions {
  /** Called once, when somebody else holds the lock. */
  onWait?: (pid: number) => void;
  /** After this long without the lock an error is thrown. */
  timeoutMs?: number;
  /** A holder of another machine or container that has given no sign of life for so long is dead. */
  lapseMs?: number;
}

const RENEW_MS = 2000;
const LAPSE_MS = 30_000;
/** Appends, and does not bring back what was removed. */
const EXISTING = constants.O_WRONLY | constants.O_APPEND;

/**
 * Takes a lock between processes; the answer gives it back. A contender first announces itself by a file of its
 * own and then looks for others: of two, the later one sees the other, so both never hold it. A file whose process
 * is dead counts for nothing, so a kill leaves no lock behind. Of a process of another machine or container, whose
 * pid means nothing here, the file's growth is watched.
 */
export const acquireProcessLock = async (
  folder: string,
  { onWait, timeoutMs = 10 * 60_000, lapseMs = LAPSE_MS }: LockOptions = {},
): Promise<() => Promise<void>> => {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const ticket = ticketName(process.pid, processStart(process.pid), pidScope());
  const path = join(folder, ticket);
  const deadline = Date.now() + timeoutMs;
  const others = createContenders(folder, ticket, lapseMs);
  let told = false;
  for (;;) {
    let other = await others.find();
    if (other === undefined) {
      await writeFile(path, '', { flag: 'wx', mode: PRIVATE_FILE });
      other = await others.find();
      if (other === undefined) return held(path);
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

/** `pid.start.random.scope`; older versions leave out the scope. */
const ticketName = (pid: number, start: string | null, scope: string): string =>
  `${pid}.${start ?? ''}.${randomUUID()}.${scope}`;

/** Gives signs of life while the lock is held. */
function held(path: string): () => Promise<void> {
  let renewing: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    // One that cannot be written costs the lock only where others see nothing for the whole lapse.
    renewing = appendFile(path, '.', { flag: EXISTING }).catch(() => {});
  }, RENEW_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await renewing;
    // A process that considered this one dead has removed it.
    await rm(path, { force: true });
  };
}

/** Finds the pid of a live contender other than `own`. What the dead left is removed on the way. */
function createContenders(
  folder: string,
  own: string,
  lapseMs: number,
): { find(): Promise<number | undefined> } {
  const watch = new StandstillWatch();
  const find = async (): Promise<number | undefined> => {
    const names = (await readdir(folder)).filter((name) => name !== own && Number(name.split('.')[0]));
    const foreign = names.filter((name) => !isOfThisScope(name));
    watch.look(await sizesOf(folder, foreign), performance.now());
    for (const name of names) {
      const [pid, start] = name.split('.');
      const isAlive = foreign.includes(name)
        ? (watch.stillMs(name) ?? 0) < lapseMs
        : isLiveProcess(Number(pid), start || null);
      if (isAlive) return Number(pid);
      await rm(join(folder, name), { force: true });
    }
    return undefined;
  };
  return { find };
}

function isOfThisScope(name: string): boolean {
  const [, , , scope] = name.split('.');
  return scope === undefined || scope === pidScope();
}

async function sizesOf(folder: string, names: readonly string[]): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of names) {
    const size = await presentSize(join(folder, name));
    if (size !== null) sizes.set(name, size);
  }
  return sizes;
}
