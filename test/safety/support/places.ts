/** What tests of safety look at from outside: files, processes, sockets. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** All files below a folder, links not followed. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const nested = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
    }),
  );
  return nested.flat();
}

/** The ways a secret can stand in a file: as it is, in an address, in JSON, in base64 at any offset. */
export function formsOf(secret: string): Buffer[] {
  const base64 = [0, 1, 2].map((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]).toString('base64');
    // Without the ends, which what stands beside it has a part in.
    return shifted.slice(offset === 0 ? 0 : 4, -4);
  });
  const escaped = [...secret].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  return [secret, encodeURIComponent(secret), escaped, ...base64].map((form) => Buffer.from(form));
}

/** The files below these folders that hold any of these bytes. */
export async function filesWith(folders: readonly string[], wanted: readonly Buffer[]): Promise<string[]> {
  const files = (await Promise.all(folders.map(filesBelow))).flat();
  const found: string[] = [];
  for (const file of files) {
    const bytes = await readFile(file);
    if (wanted.some((form) => bytes.includes(form))) found.push(file);
  }
  return found;
}

export interface Listener {
  address: string;
  port: number;
}

/** TCP sockets a process listens on, from /proc: Linux only. */
export async function listenersOf(pid: number): Promise<Listener[]> {
  const inodes = await socketInodes(pid);
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8')),
  );
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTENING && inodes.has(fields[9] ?? ''))
    .map((fields) => {
      const [address = '', port = ''] = (fields[1] ?? '').split(':');
      return { address: toAddress(address), port: Number.parseInt(port, 16) };
    });
}

const LISTENING = '0A';

async function socketInodes(pid: number): Promise<Set<string>> {
  const links = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  );
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

/** As the kernel prints it: 32-bit words in the machine's order; IPv6 is left as it is. */
const toAddress = (hex: string): string =>
  hex.length === 8
    ? (hex.match(/../g) ?? [])
        .map((byte) => Number.parseInt(byte, 16))
        .toReversed()
        .join('.')
    : hex;

/** Processes whose parent is `pid`, and theirs. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent === pid) children.push(Number(name));
  }
  const deeper = await Promise.all(children.map(descendantsOf));
  return [...children, ...deeper.flat()];
}
