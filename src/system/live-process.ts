import { readFileSync } from 'node:fs';

/**
 * When a process started, as a token to compare: a pid alone may belong to another program by now.
 * `null` where the platform does not tell (only Linux does) or the process is gone.
 */
export const processStart = (pid: number): string | null => {
  if (process.platform !== 'linux') return null;
  const fields = statFields(pid);
  const ticks = fields?.[19];
  return ticks === undefined ? null : `${ticks}-${bootId()}`;
};

/** Whether the process that had this pid and this start token still runs. A zombie does not. */
export const isLiveProcess = (pid: number, start: string | null): boolean => {
  if (process.platform === 'linux') {
    const state = statFields(pid)?.[0];
    if (state === undefined || state === 'Z' || state === 'X') return false;
    return start === null || processStart(pid) === start;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/**
 * Whether a process runs with these arguments among its own. `true` also where nobody can tell: only
 * Linux shows them.
 */
export const mayHaveArguments = (pid: number, wanted: readonly string[]): boolean => {
  if (process.platform !== 'linux') return true;
  try {
    const found = new Set(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'));
    return wanted.every((argument) => found.has(argument));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return true;
    throw error;
  }
};

/** `/proc/<pid>/stat` from its third field on (proc_pid_stat(5)); the name before it may hold spaces and brackets. */
const statFields = (pid: number): string[] | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
};

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
