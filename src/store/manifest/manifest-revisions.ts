/**
 * The revisions of a manifest: `revisions/000001.json` and on, each created once and whole, never changed, never
 * removed. The highest number is the manifest; `batch.json` is a copy of it, for people and for tools.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ZodError } from 'zod';
import { isModestJson } from '../../core/modest-json.ts';
import { createWhole, readWhole } from '../../system/files/create-whole.ts';
import { type Manifest, MANIFEST_FILE, MAX_MANIFEST_BYTES } from './manifest.ts';
import { manifestSchema } from './manifest-schema.ts';
import { replaceFile } from '../../system/files/replace-file.ts';
import { messageOf, StoreError } from '../store-error.ts';
import { makeFolder, syncFolder } from '../../system/files/sync-folder.ts';
import { PRIVATE_FOLDER } from '../../system/files/private-mode.ts';
import { readRegularText, UnfitFileError } from '../../system/files/regular-file.ts';

const REVISIONS_FOLDER = 'revisions';
const REVISION_FILE = /^(\d{6,})\.json$/;

/** Network file systems may not show another machine's new file for a while. */
const UNSEEN_DELAY_MS = 250;
const MAX_UNSEEN = 240;

const COPY_ATTEMPTS = 3;

/** A new batch leaves the other half for its runs. */
const MAX_FIRST_BYTES = MAX_MANIFEST_BYTES / 2;

/** A batch without revisions is one of version 0.1.0, or was copied without them: its `batch.json` is the manifest. */
export type RevisedManifest = Manifest & { revision: number };

/** Reads the newest revision. Throws {@link StoreError}. */
export async function readNewestRevision(batchFolder: string): Promise<RevisedManifest> {
  const number = await newestNumber(batchFolder);
  if (number === 0) {
    const manifest = await readCopy(batchFolder);
    return { ...manifest, revision: manifest.revision ?? 0 };
  }
  const file = fileOf(batchFolder, number);
  try {
    return { ...parseManifest(await readWhole(file, MAX_MANIFEST_BYTES), file), revision: number };
  } catch (error) {
    if (!(error instanceof StoreError || error instanceof UnfitFileError)) throw error;
    // A revision is created whole, so this one was damaged later. Its copy is as good; an older revision is not.
    const copy = await readCopy(batchFolder).catch(() => null);
    if (copy?.revision === number) return { ...copy, revision: number };
    throw new StoreError(
      `${messageOf(error)}. It is the batch's newest revision, and ${MANIFEST_FILE} is not a copy of it: put the file back from ` +
        'a backup. Without a backup, move it away to return to the previous revision; the changes of this one are then lost.',
      { cause: error },
    );
  }
}

/**
 * Reads the newest revision and creates the next one with `change` applied. Where somebody else has created that one
 * meanwhile, `change` is applied again, to theirs: so it may depend on nothing but its argument. If `change` returns
 * its argument, no revision is created, and only a copy that is old is renewed.
 */
export async function reviseManifest(
  batchFolder: string,
  change: (manifest: Manifest) => Manifest,
): Promise<RevisedManifest> {
  for (let unseen = 0; ;) {
    const current = await readNewestRevision(batchFolder);
    const changed = change(current);
    if (changed === current) {
      await renewCopy(batchFolder, current);
      return current;
    }
    const next: RevisedManifest = { ...changed, revision: current.revision + 1 };
    await makeFolder(join(batchFolder, REVISIONS_FOLDER));
    const file = fileOf(batchFolder, next.revision);
    const text = manifestText(next);
    assertSize(text, MAX_MANIFEST_BYTES, `Start another batch for what ${batchFolder} still has to do`);
    assertReadable(text);
    if (await createWhole(file, text)) {
      await refreshCopy(batchFolder, next);
      return next;
    }
    if ((await newestNumber(batchFolder)) > current.revision) continue;
    if (++unseen > MAX_UNSEEN)
      throw new StoreError(`${file} exists, but ${join(batchFolder, REVISIONS_FOLDER)} does not list it`);
    await delay(UNSEEN_DELAY_MS);
  }
}

/** Writes the first revision, and its copy, into a folder that nobody else knows yet. */
export async function writeFirstRevision(batchFolder: string, manifest: Manifest): Promise<void> {
  const first: RevisedManifest = { ...manifest, revision: 1 };
  assertSize(manifestText(first), MAX_FIRST_BYTES, 'Shorten its description and metadata');
  assertReadable(manifestText(first));
  await mkdir(join(batchFolder, REVISIONS_FOLDER), PRIVATE_FOLDER);
  await replaceFile(fileOf(batchFolder, 1), manifestText(first));
  await replaceFile(join(batchFolder, MANIFEST_FILE), manifestText(first));
  await syncFolder(batchFolder);
}

/** Where a process died between a revision and its copy. */
async function renewCopy(batchFolder: string, newest: RevisedManifest): Promise<void> {
  if (newest.revision === 0) return;
  const copy = await readCopy(batchFolder).catch(() => null);
  if ((copy?.revision ?? 0) < newest.revision) await refreshCopy(batchFolder, newest);
}

/**
 * Copies until the newest revision is the one that was copied last: a process that was frozen before its rename
 * puts its old copy in place, then finds the newer revision and copies that.
 */
async function refreshCopy(batchFolder: string, revised: RevisedManifest): Promise<void> {
  let newest = revised;
  for (let failures = 0; failures < COPY_ATTEMPTS;) {
    try {
      const copied = newest.revision;
      await replaceFile(join(batchFolder, MANIFEST_FILE), manifestText(newest));
      newest = await readNewestRevision(batchFolder);
      if (newest.revision <= copied) return;
    } catch {
      // The revision is written and counts: to report a failure would have the change made twice. The next change copies anew.
      failures++;
    }
  }
}

/** 0 where there is none. */
async function newestNumber(batchFolder: string): Promise<number> {
  const names = await readdir(join(batchFolder, REVISIONS_FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  return names.reduce((newest, name) => Math.max(newest, Number(REVISION_FILE.exec(name)?.[1] ?? 0)), 0);
}

async function readCopy(batchFolder: string): Promise<Manifest> {
  const file = join(batchFolder, MANIFEST_FILE);
  return parseManifest(await readRegularText(file, MAX_MANIFEST_BYTES), file);
}

const fileOf = (batchFolder: string, number: number): string =>
  join(batchFolder, REVISIONS_FOLDER, `${String(number).padStart(6, '0')}.json`);

const manifestText = (manifest: RevisedManifest): string => `${JSON.stringify(manifest, null, 2)}\n`;

/** Throws {@link StoreError} for a manifest that could not be read back. */
function assertSize(text: string, most: number, whatToDo: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > most)
    throw new StoreError(
      `the batch's manifest would have ${bytes} bytes, and at most ${most} are possible. ${whatToDo}.`,
    );
}

/** Throws {@link StoreError} for a manifest that would be refused when it is read: nobody could work on its batch any more. */
function assertReadable(text: string): void {
  try {
    toManifest(text);
  } catch (error) {
    const flaw = flawOf(error);
    throw new StoreError(
      `the batch's manifest was not written, as it could not be read afterwards: ${flaw}`,
      {
        cause: error,
      },
    );
  }
}

/** Throws {@link StoreError}. */
function parseManifest(text: string, file: string): Manifest {
  try {
    return toManifest(text);
  } catch (error) {
    throw new StoreError(`${file} is not a batch manifest: ${flawOf(error)}`, { cause: error });
  }
}

/** Throws for a text that is none. What is nested beyond reading would fill the stack of whoever hashes or writes it. */
function toManifest(text: string): Manifest {
  if (!isModestJson(text)) throw new Error('too many or too deeply nested values');
  return manifestSchema.parse(JSON.parse(text));
}

/** Returns the first problem of the text, in one line. */
function flawOf(error: unknown): string {
  const issue = error instanceof ZodError ? error.issues[0] : undefined;
  return issue ? [...issue.path, issue.message].join(': ') : messageOf(error);
}
