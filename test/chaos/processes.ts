/** The processes a chaos run starts, and whoever they started. */
import { readdirSync, readFileSync } from 'node:fs';
import { isLiveProcess } from '../../src/system/live-process.ts';
import { readRecord } from '../../src/temporal-server/server-record.ts';
import { firstOf, until } from '../support/until.ts';

/** The embedded server's pid, waited for where one is being started. */
export const liveServer = async (home: string): Promise<number> =>
  (await firstOf(
    async () => serverPid(home),
    (pid) => pid !== null,
    `a Temporal server in ${home}`,
  ))!;

export function serverPid(home: string): number | null {
  const record = readRecord(home);
  return record?.pid && isLiveProcess(record.pid, record.processStart) ? record.pid : null;
}

/** Processes, other than this one, that were started with `folder` in their arguments. Only Linux tells. */
export function processesOf(folder: string): { pid: number; command: string }[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const command = commandOf(name).replaceAll('\0', ' ').trim();
      return command.includes(folder) ? [{ pid: Number(name), command }] : [];
    });
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

/** Sends a signal; false if there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Resolves when the process is gone. */
export const gone = (pid: number): Promise<void> =>
  until(() => !isLiveProcess(pid, null), `process ${pid} to be gone`);
