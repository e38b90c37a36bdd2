/** Nothing in a batch folder is reached through a link: it may come from elsewhere, and point at a file of its reader's. */
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from './store-error.ts';

/**
 * Throws {@link StoreError} if the folder of a batch or a stage, an entry of it, or an entry of one of its folders is a symbolic
 * link. Files below that are opened without following links (`regular-file.ts`). A missing folder is no link.
 */
export async function assertNoLinks(folder: string): Promise<void> {
  const entries = await entriesWithoutLinks(folder);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  await Promise.all(folders.map(entriesOf));
}

/** As {@link assertNoLinks}, of the folder and its own entries alone. */
export async function assertNoTopLinks(folder: string): Promise<void> {
  await entriesWithoutLinks(folder);
}

async function entriesWithoutLinks(folder: string): Promise<Dirent[]> {
  await assertNoLink(folder);
  return entriesOf(folder);
}

/** Throws {@link StoreError} if there is a symbolic link of this name. */
export async function assertNoLink(path: string): Promise<void> {
  const found = await lstat(path).catch(orMissing);
  if (found?.isSymbolicLink()) throw linkError(path);
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(orMissing)) ?? [];
  const link = entries.find((entry) => entry.isSymbolicLink());
  if (link) throw linkError(join(folder, link.name));
  return entries;
}

function orMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

const linkError = (path: string): StoreError =>
  new StoreError(
    `${path} is a link, and nothing that belongs to a batch is reached through one. Put the file or folder itself there.`,
  );
