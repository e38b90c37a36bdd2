/** What Linux tells of a process. Elsewhere every figure is `null`. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;
/** Positions after the name: `utime` (`stime` follows) and `cutime` (`cstime` follows). */
const OWN = 11;
const CHILDREN = 13;

export interface Memory {
  rssMb: number;
  peakRssMb: number;
}

/** User and system time that the process has used so far, without its children's. */
export const cpuMsOf = (pid: number): number | null => ticks(`/proc/${pid}/stat`, OWN);

/** User and system time of all children of this process that have ended. */
export const endedChildrenCpuMs = (): number | null => ticks('/proc/self/stat', CHILDREN);

export function memoryOf(pid: number): Memory | null {
  const status = read(`/proc/${pid}/status`);
  const mb = (name: string): number | null => {
    const found = status?.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1];
    return found === undefined ? null : Number(found) / 1024;
  };
  const rssMb = mb('VmRSS');
  const peakRssMb = mb('VmHWM');
  return rssMb === null || peakRssMb === null ? null : { rssMb, peakRssMb };
}

/** CPU time of each thread so far, in ms, as `<name> <id>`. */
export function threadsOf(pid: number): Map<string, number> {
  const threads = new Map<string, number>();
  for (const id of list(`/proc/${pid}/task`)) {
    const name = read(`/proc/${pid}/task/${id}/comm`)?.trim();
    const cpuMs = ticks(`/proc/${pid}/task/${id}/stat`, OWN);
    if (name !== undefined && cpuMs !== null) threads.set(`${name} ${id}`, cpuMs);
  }
  return threads;
}

/** A field and its neighbour together. The name in parentheses, before them, may hold spaces. */
function ticks(path: string, field: number): number | null {
  const stat = read(path);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[field]) + Number(fields[field + 1])) * TICK_MS;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // not Linux, or it has ended meanwhile
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // as above
  }
}
