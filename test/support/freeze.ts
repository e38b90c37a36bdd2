import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from './until.ts';

/**
 * Stops a process, and resolves once all of its threads stand still: the signal takes effect a little later, and a thread
 * that still runs may answer until then. SIGCONT lets it go on.
 */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await until(() => states(pid).every((state) => state.startsWith('T')));
}

/** One for each thread, or one for the process where the system does not list threads. */
function states(pid: number): string[] {
  if (process.platform !== 'linux')
    return [execFileSync('ps', ['-o', 'state=', '-p', `${pid}`], { encoding: 'utf8' })];
  return readdirSync(`/proc/${pid}/task`).map((task) =>
    // The name of the program, in brackets, may have anything in it.
    readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8').replace(/^.*\) /s, ''),
  );
}
