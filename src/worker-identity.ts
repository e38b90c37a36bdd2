/** Names a worker's process so that another process of the same machine can prove it dead. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { isLiveProcess, processStart } from './server/live-process.ts';

/** `<pid>@<host>/<start>/<scope>`: unique per process, readable in the Web UI. */
export const workerIdentity = (): string =>
  [`${process.pid}@${hostname()}`, processStart(process.pid) ?? '', pidScope()].join('/');

const COURIER = 'courier:';

/** Of one that only lets a workflow hear something: nobody may take it for a worker that goes on with the batch. */
export const courierIdentity = (): string => COURIER + workerIdentity();

export const isCourier = (identity: string): boolean => identity.startsWith(COURIER);

/**
 * True only where it is certain: same host, same boot and same pid namespace, and no such process.
 * Another machine's worker is never proven dead from here; its silence decides.
 */
export function isProvenDead(identity: string): boolean {
  const [name = '', start, scope] = identity.split('/');
  const [pid, host] = [name.slice(0, name.indexOf('@')), name.slice(name.indexOf('@') + 1)];
  if (start === undefined || scope === undefined || !/^\d+$/.test(pid)) return false;
  if (host !== hostname() || scope !== pidScope()) return false;
  return !isLiveProcess(Number(pid), start || null);
}

/** What a pid is unique within: on Linux the boot and the pid namespace (a container has its own), elsewhere the host. */
function pidScope(): string {
  if (process.platform !== 'linux') return process.platform;
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  return `${boot}-${readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')}`;
}
