import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { closingCommand } from '../../system/home.ts';
import { findOutputFolder, listBatches } from '../../store/output-folder.ts';
import { failed, type Finding, ok, warning } from './finding.ts';

/** Linux's numbers of file systems (statfs(2)). */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0x794c7630: 'overlayfs',
  0x01021994: 'tmpfs',
  0x858458f6: 'ramfs',
  0x6969: 'nfs',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb2',
  0x517b: 'smb',
  0x01021997: '9p',
  0x65735546: 'fuse',
  0x4d44: 'vfat',
  0x2011bab0: 'exfat',
};
const VOLATILE = new Set(['tmpfs', 'ramfs']);
const REMOTE = new Set(['nfs', 'cifs', 'smb2', 'smb', '9p', 'fuse']);

const GB = 1_000_000_000;
const LITTLE_BYTES = GB;
const NO_ROOM_BYTES = 50_000_000;

/** The folder that results and batches are kept in. Leaves nothing behind, and makes no folder. */
export async function checkOutputFolder(outputDir: string): Promise<Finding> {
  const advice = 'Choose a folder you may write to with --output-dir, or put its permissions right.';
  const finding = await checkFolder(outputDir, advice);
  if (finding.verdict === 'failed') return finding;
  const store = await findOutputFolder(outputDir).catch(() => null);
  if (store === null) return finding;
  const { length: count } = await listBatches(outputDir);
  return {
    ...finding,
    found: `${finding.found}; store ${store.uuid} with ${count} ${count === 1 ? 'batch' : 'batches'}`,
  };
}

/** The folder that outlives commands: Temporal's database, its binary, and what batches there are. */
export async function checkStateFolder(home: string): Promise<Finding> {
  const finding = await checkFolder(
    home,
    'Name another folder in DURABATCH_HOME, or put its permissions right.',
  );
  const found = await stat(home).catch(() => null);
  const isOpen = process.platform !== 'win32' && found !== null && (found.mode & 0o077) !== 0;
  if (finding.verdict !== 'ok' || !isOpen) return finding;
  return warning(
    `${finding.found}; other users of this machine can get into it`,
    `Close it: ${closingCommand(home)}`,
  );
}

async function checkFolder(folder: string, advice: string): Promise<Finding> {
  const path = resolve(folder);
  const there = await nearestFolder(path);
  if (typeof there !== 'string') return failed(`${path}: ${there.fault}`, advice);
  try {
    await tryWriting(there);
  } catch (error) {
    return failed(`${path} cannot be written to: ${(error as Error).message}`, advice);
  }
  const { type, bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  const kind =
    process.platform === 'linux' ? (fileSystems[type] ?? `file system 0x${type.toString(16)}`) : null;
  const facts = [
    there === path ? 'writable' : 'will be made',
    'fsync works',
    `${(free / GB).toFixed(1)} GB free`,
  ];
  const text = `${path}: ${[...facts, ...(kind === null ? [] : [kind])].join(', ')}`;
  if (free < NO_ROOM_BYTES) return failed(text, 'Make room on that disk: answers could not be kept.');
  if (free < LITTLE_BYTES)
    return warning(
      text,
      'Make room on that disk: count on some 8 KB a prompt. A batch pauses where it is full.',
    );
  if (kind !== null && VOLATILE.has(kind))
    return warning(
      text,
      'It is in memory, and gone after a restart of the machine: choose a folder on a disk.',
    );
  if (kind !== null && REMOTE.has(kind))
    return warning(
      text,
      'It may be on another machine: what is said to be synced there may not be, and work goes at the pace of the network. A local disk is safer.',
    );
  return ok(text);
}

/** The folder itself, or the nearest one above it that exists. */
async function nearestFolder(path: string): Promise<string | { fault: string }> {
  for (let at = path; ; at = dirname(at)) {
    const found = await stat(at).catch((error: NodeJS.ErrnoException) => error);
    if (!(found instanceof Error))
      return found.isDirectory() ? at : { fault: `${at} is a file, not a folder` };
    if (found.code !== 'ENOENT' || at === dirname(at)) return { fault: found.message };
  }
}

/** As the ledger and the manifest are written: synced, and renamed into place. */
async function tryWriting(folder: string): Promise<void> {
  const draft = join(folder, `.durabatch-doctor-${randomUUID()}`);
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile('doctor\n');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, `${draft}.renamed`);
  } finally {
    await rm(draft, { force: true });
    await rm(`${draft}.renamed`, { force: true });
  }
}
