/** Which batches of an output folder have an input hash. Each is claimed before its folder is made, so that two commands at once make one. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isBatchId } from '../core/command-line.ts';
import { createWhole, readWhole } from '../system/files/create-whole.ts';
import { assertNoLink } from './no-links.ts';
import { cannotWrite, StoreError } from './store-error.ts';
import { makeFolder } from '../system/files/sync-folder.ts';

const FOLDER = '.durabatch-claims';

/** An input hash with its version, as `2-<64 hex>`. */
export type HashName = string;

const fileOf = (outputDir: string, hash: HashName, number: number): string =>
  join(outputDir, FOLDER, `${hash}.${number}`);

/** The ids that are claimed for a hash, the first one first. A batch may not have been made, or be gone. */
export async function claimedIds(outputDir: string, hash: HashName): Promise<string[]> {
  await assertNoLink(join(outputDir, FOLDER));
  const names = await readdir(join(outputDir, FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const numbers = names
    .filter((name) => name.startsWith(`${hash}.`))
    .map((name) => Number(name.slice(hash.length + 1)))
    .filter((number) => Number.isSafeInteger(number))
    .sort((a, b) => a - b);
  return Promise.all(numbers.map((number) => readClaim(outputDir, hash, number)));
}

/**
 * Claims an id for the `number`th batch of this hash. Resolves to the id, and whether the claim is new: if somebody has
 * claimed that number before, theirs is the id. Throws {@link StoreError}, also where the folder of claims is a link.
 */
export async function claimId(
  outputDir: string,
  hash: HashName,
  number: number,
  id: string,
): Promise<{ id: string; isNew: boolean }> {
  await assertNoLink(join(outputDir, FOLDER));
  try {
    await makeFolder(join(outputDir, FOLDER));
    if (await createWhole(fileOf(outputDir, hash, number), `${id}\n`)) return { id, isNew: true };
  } catch (error) {
    throw cannotWrite(outputDir, error);
  }
  return { id: await readClaim(outputDir, hash, number), isNew: false };
}

async function readClaim(outputDir: string, hash: HashName, number: number): Promise<string> {
  const file = fileOf(outputDir, hash, number);
  const id = (await readWhole(file)).trim();
  if (isBatchId(id)) return id;
  throw new StoreError(
    `${file}: expected a batch id, got ${JSON.stringify(id.slice(0, 80))}. Remove this file; no answer is in it.`,
  );
}
