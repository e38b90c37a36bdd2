import { chmod, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';
import { whyNoLocalFolder } from './local-folder.ts';
import { PRIVATE_FOLDER } from './files/private-mode.ts';
import { makeFolder } from './files/sync-folder.ts';
import { type CommandLine, commandLine, shellWord } from '../core/command-line.ts';

/**
 * Absolute path: where everything that outlives a command is kept: the server's database, the Temporal binary, locks.
 * Throws where the environment names a URL.
 */
export function durabatchHome(env: NodeJS.ProcessEnv): string {
  const folder = env['DURABATCH_HOME'] || envPaths('durabatch', { suffix: '' }).data;
  const problem = whyNoLocalFolder(folder);
  if (problem !== null) throw new Error(`DURABATCH_HOME: ${problem}`);
  return resolve(folder);
}

/** Names of all that is kept there. */
const entries = [
  'approvals',
  'batches',
  'bin',
  'compile-cache',
  'cursors',
  'locks',
  'prices',
  'server.json',
  'server.lock',
  'server.log',
  'temporal.db',
  'worker.log',
] as const;

/** Path of something in the state folder; there is no other way to name one. */
export const inHome = (home: string, entry: (typeof entries)[number], ...more: string[]): string =>
  join(home, entry, ...more);

/** Those, their drafts, and what SQLite and log rotation put beside them. A folder with anything else in it is not ours to close. */
const OWN = new RegExp(
  `^\\.?(${entries.map((name) => name.replace('.', String.raw`\.`)).join('|')})([.-].*)?$`,
);
const OTHERS = 0o077;

export const closingCommand = (folder: string): CommandLine =>
  commandLine`chmod 700 ${shellWord(folder, '<folder>')}`;

/** Makes the folder, for this user only. One that others can get into is closed to them, or it is said that it is open. */
export async function openHome(home: string, log: (line: string) => void): Promise<void> {
  await makeFolder(home);
  if (process.platform === 'win32' || ((await stat(home)).mode & OTHERS) === 0) return;
  const isOwn = (await readdir(home)).every((name) => OWN.test(name));
  if (isOwn && (await chmod(home, PRIVATE_FOLDER).then(isDone, isNotDone))) return;
  log(
    `Other users of this machine can get into ${home}, which holds the state of durabatch. Close it: ${closingCommand(home)}; ` +
      'or name a folder of its own in DURABATCH_HOME.',
  );
}

const isDone = (): boolean => true;
const isNotDone = (): boolean => false;
