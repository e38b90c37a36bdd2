/** What a pid is unique within. Two processes with the same scope can look each other up by pid; others cannot. */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** On Linux the boot and the pid namespace (a container has its own); elsewhere the platform and a machine id. */
export function pidScope(): string {
  return (ownScope ??= process.platform === 'linux' ? linuxScope() : machineScope(process.platform));
}
/** Interfaces come and go while a process lives, its identity must not change. */
let ownScope: string | null = null;

function linuxScope(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  return `${boot}-${readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')}`;
}

/**
 * The machine id is a hash of the host's name and its network cards: it needs no file, no other program, and no
 * privileges. A card that appears or disappears changes it. Then processes of one machine do not recognise each
 * other, and the lapse of their liveness records decides instead of their pids.
 */
export function machineScope(
  platform: NodeJS.Platform,
  host = hostname(),
  interfaces: Interfaces = networkInterfaces(),
): string {
  const cards = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, mac }) => !internal && mac !== '00:00:00:00:00:00')
    .map(({ mac }) => mac);
  const facts = [host, ...new Set(cards)].toSorted().join('\n');
  return `${platform}-${createHash('sha256').update(facts).digest('hex').slice(0, 8)}`;
}
