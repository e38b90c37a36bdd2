/** The output folder: whose it is, and which batches it has. */
import { randomUUID } from 'node:crypto';
import { readdir, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { StoreLocation } from '../core/batch-layout.ts';
import { createWhole, readWhole } from '../system/files/create-whole.ts';
import { MANIFEST_FILE, MAX_MANIFEST_BYTES } from './manifest/manifest.ts';
import { cannotWrite, StoreError } from './store-error.ts';
import { makeFolder } from '../system/files/sync-folder.ts';
import { SHARED_FOLDER } from '../system/files/private-mode.ts';
import { readRegularText } from '../system/files/regular-file.ts';

const STORE_FILE = '.durabatch-store';

const UUID = /^[0-9a-f-]{36}$/;

/**
 * Makes the output folder if it is missing, and gives it the UUID that tells it from others: that of its batches, if it has
 * some, else `uuid`, by default a new one. Throws {@link StoreError}.
 */
export async function openOutputFolder(outputDir: string, uuid?: string): Promise<StoreLocation> {
  const path = resolve(outputDir);
  const file = join(path, STORE_FILE);
  try {
    await makeFolder(path, SHARED_FOLDER);
    if (!(await exists(file))) {
      const text = `${(await uuidOfBatches(path)) ?? uuid ?? randomUUID()}\n`;
      // Whoever may read the output folder may know which one it is.
      await createWhole(file, text, { isShared: true });
    }
  } catch (error) {
    throw cannotWrite(path, error);
  }
  return { kind: 'local', outputDir: path, uuid: await readStoreUuid(path) };
}

/** An output folder that is about to be used, with the UUID that it has, or will have if nobody else gives it one. */
export interface ProposedFolder {
  location: StoreLocation;
  /** Whether this is its UUID at this moment: another command may have used the folder meanwhile. */
  hasUuid(uuid: string): Promise<boolean>;
  /** As {@link openOutputFolder}. */
  use(): Promise<StoreLocation>;
  /** Removes the folders that were made for this, if nothing is in them. */
  drop(): Promise<void>;
}

/** Makes the output folder if it is missing, and leaves it without a UUID until it is used. Throws {@link StoreError}. */
export async function proposeOutputFolder(outputDir: string): Promise<ProposedFolder> {
  const path = resolve(outputDir);
  const made = await makeFolder(path, SHARED_FOLDER).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  const read = async (): Promise<string | null> =>
    (await exists(join(path, STORE_FILE))) ? readStoreUuid(path) : uuidOfBatches(path);
  const uuid = (await read()) ?? randomUUID();
  return {
    location: { kind: 'local', outputDir: path, uuid },
    hasUuid: async (other) => other === ((await read()) ?? uuid),
    use: () => openOutputFolder(path, uuid),
    drop: async () => {
      if (made === undefined) return;
      try {
        for (let folder = path; folder !== dirname(made); folder = dirname(folder)) await rmdir(folder);
      } catch {
        // Something is in it.
      }
    },
  };
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

/** The store an output folder already is. Throws {@link StoreError} if it is none. */
export async function findOutputFolder(outputDir: string): Promise<StoreLocation> {
  const path = resolve(outputDir);
  return { kind: 'local', outputDir: path, uuid: await readStoreUuid(path) };
}

async function readStoreUuid(path: string): Promise<string> {
  const text = await readWhole(join(path, STORE_FILE)).catch(async (error: unknown) => {
    const known = await uuidOfBatches(path);
    if (known !== null) return known;
    throw new StoreError(
      `${path} is not an output folder of durabatch (no ${STORE_FILE} and no batch in it)`,
      { cause: error },
    );
  });
  const uuid = text.trim();
  if (!UUID.test(uuid))
    throw new StoreError(
      `${join(path, STORE_FILE)}: expected a UUID, got ${JSON.stringify(uuid.slice(0, 40))}`,
    );
  return uuid;
}

/** Each batch knows its folder's UUID: batches may be moved without the hidden file beside them. */
async function uuidOfBatches(path: string): Promise<string | null> {
  // Who looks for a batch in what is no folder is told so.
  for (const id of await listBatches(path).catch(() => [])) {
    try {
      const manifest = JSON.parse(
        await readRegularText(join(path, id, MANIFEST_FILE), MAX_MANIFEST_BYTES),
      ) as {
        store_uuid?: unknown;
      };
      if (typeof manifest.store_uuid === 'string' && UUID.test(manifest.store_uuid))
        return manifest.store_uuid;
    } catch {
      // Who opens that batch is told what is wrong with it.
    }
  }
  return null;
}

/** Ids of the batches in an output folder, as they are spelled on disk. Reads the folder once, and looks at each of its folders. */
export async function listBatches(outputDir: string): Promise<string[]> {
  const names = await listFolders(outputDir);
  const areBatches = await Promise.all(names.map((name) => holdsBatch(outputDir, name)));
  return names.filter((_, index) => areBatches[index]).sort();
}

/**
 * The spelling on disk of a batch id, compared without case, but this very spelling first; `null` if there is no such batch. Reads the folder once: to look for
 * many ids, take {@link listBatches}.
 */
export async function findBatch(outputDir: string, id: string): Promise<string | null> {
  const wanted = id.toLowerCase();
  const names = (await listFolders(outputDir)).sort();
  const alike = names.filter((name) => name !== id && name.toLowerCase() === wanted);
  if (names.includes(id)) alike.unshift(id);
  for (const name of alike) if (await holdsBatch(outputDir, name)) return name;
  return null;
}

/** Whether this very folder is there and holds a batch. Looks at one file, however many batches there are. */
export const holdsBatch = async (outputDir: string, batchId: string): Promise<boolean> =>
  (await changedAt(outputDir, batchId)) !== null;

/** When the batch's manifest was last written, in ms since 1970; `null` if this very folder holds no batch. */
export async function changedAt(outputDir: string, batchId: string): Promise<number | null> {
  if (!isFolderName(batchId)) return null;
  return stat(join(outputDir, batchId, MANIFEST_FILE)).then(
    (found) => (found.isFile() ? found.mtimeMs : null),
    () => null,
  );
}

/** Returns the path of a batch's folder. Throws {@link StoreError} for an id that would lead elsewhere: a server may name any. */
export function batchFolderOf(outputDir: string, batchId: string): string {
  if (isFolderName(batchId)) return join(outputDir, batchId);
  throw new StoreError(`no folder in ${outputDir} can have the name ${JSON.stringify(batchId.slice(0, 80))}`);
}

/** Whether a folder of an output folder that may hold a batch can have this name. */
const isFolderName = (name: string): boolean =>
  name !== '' && !name.startsWith('.') && name === basename(name) && !name.includes('\0');

/** Names of the folders that may hold batches, in no order. */
export async function listFolders(outputDir: string): Promise<string[]> {
  const entries = await readdir(outputDir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory() && isFolderName(entry.name)).map(({ name }) => name);
}
