/** Names a worker's process so that another process of the same machine can prove it dead. */
import { hostname } from 'node:os';
import { pidScope } from './machine-scope.ts';
import { isLiveProcess, processStart } from './live-process.ts';

/** `<pid>@<host>/<start>/<scope>`: unique per process, readable in the Web UI. */
export const workerIdentity = (): string =>
  [`${process.pid}@${hostname()}`, processStart(process.pid) ?? beganAt, pidScope()].join('/');

/** Where the platform does not tell when a process started, this keeps a later process of the same pid apart. */
const beganAt = Math.round(Date.now() - process.uptime() * 1000);

const COURIER = 'courier:';

/** Of one that only lets a workflow hear something: nobody may take it for a worker that goes on with the batch. */
export const courierIdentity = (): string => COURIER + workerIdentity();

export const isCourier = (identity: string): boolean => identity.startsWith(COURIER);

/** File names take no `/`, `@` or `:`. */
export const toFileName = (text: string): string => text.replaceAll(/[^A-Za-z0-9.-]+/g, '_');

/** What the process table says of an identity; `unknown`: it is of another machine, boot or container, or no identity of ours. */
export type PidVerdict = 'alive' | 'dead' | 'unknown';

export function pidVerdict(identity: string): PidVerdict {
  const [name = '', start, scope] = identity.split('/');
  const [pid, host] = [name.slice(0, name.indexOf('@')), name.slice(name.indexOf('@') + 1)];
  if (start === undefined || scope === undefined || !/^\d+$/.test(pid)) return 'unknown';
  if (host !== hostname() || scope !== pidScope()) return 'unknown';
  return isLiveProcess(Number(pid), start || null) ? 'alive' : 'dead';
}

/**
 * True only where it is certain: same host, same boot and same pid namespace, and no such process.
 * Another machine's worker is never proven dead from here; its silence decides.
 */
export const isProvenDead = (identity: string): boolean => pidVerdict(identity) === 'dead';

/** `123@host` of an identity: what a person recognises it by. */
export const processNameOf = (identity: string): string => identity.split('/')[0] ?? identity;
