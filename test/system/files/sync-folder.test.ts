import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../../src', import.meta.url));

/** Files that rename, and need no synced folder. */
const exceptions: Record<string, string> = {
  'client/doctor/folder-check.ts': 'a trial, which is removed at once',
  'report/atomic-file.ts': 'write-reports.ts syncs the folder once for all reports',
  'temporal-server/server-process.ts': 'the log of a server',
};
/** Files that make a folder without `makeFolder`, which syncs the one that holds it. */
const folderExceptions: Record<string, string> = {
  'client/command-line/compile-cache.ts': 'compiled code, which is made again',
  'client/commands/tail.ts': 'a cursor of `tail`',
  'client/commands/worker-log.ts': 'the log of a worker',
  'client/prices/price-updates.ts': 'prices that are fetched again',
  'system/process-lock.ts': 'locks, which mean nothing after a power cut',
};

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(join(src, name), 'utf8') }));
const calling = (pattern: RegExp): string[] =>
  sources
    .filter(({ text }) => pattern.test(text) && !/\bsyncFolder(Sync)?\(/.test(text))
    .map(({ name }) => name)
    .toSorted();

test('who gives a file or a folder its name by a rename or a link syncs the folder of that name', () => {
  assert.deepEqual(calling(/\b(rename|link)(Sync)?\(/), Object.keys(exceptions));
});

test('who makes a folder syncs the one that holds it', () => {
  assert.deepEqual(calling(/\bmkdir(Sync)?\(/), Object.keys(folderExceptions));
});
