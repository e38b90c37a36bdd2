/**
 * The price table that a run began with: `prices/<SHA-256>.json` in the batch folder. The run's entry in the manifest names
 * the hash, so that no other file that lies there can say what the run costs. It holds for the whole run, on every worker.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { priceTableSchema, type PriceTable } from '../../prices/price-table.ts';
import type { BatchStore } from '../batch-store.ts';
import { createWhole, readWhole } from '../../system/files/create-whole.ts';
import type { Manifest } from './manifest.ts';
import { cannotWrite, messageOf, StoreError } from '../store-error.ts';
import { makeFolder } from '../../system/files/sync-folder.ts';

/** Ten times the whole bundled table, of which a run keeps one provider's part. */
const MAX_BYTES = 4 * 1024 * 1024;

const folderOf = (batchFolder: string): string => join(batchFolder, 'prices');
const fileOf = (batchFolder: string, hash: string): string => join(folderOf(batchFolder), `${hash}.json`);

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const textOf = (table: PriceTable): string => `${JSON.stringify(table)}\n`;

/** What a run that is charged by the table has in its entry. */
export const priceTableHash = (table: PriceTable): string => hashOf(textOf(table));

/**
 * Writes the table of the next run, and returns its hash for the manifest. A table that is there already is left as it is;
 * a file of that name with anything else in it is replaced. Throws {@link StoreError}.
 */
export async function keepPriceTable(batchFolder: string, table: PriceTable): Promise<string> {
  const folder = folderOf(batchFolder);
  const text = textOf(table);
  const hash = hashOf(text);
  const file = fileOf(batchFolder, hash);
  try {
    await makeFolder(folder);
    for (let attempt = 0; attempt < 2; attempt++) {
      if ((await createWhole(file, text)) || (await holds(file, hash))) return hash;
      await rm(file, { recursive: true, force: true });
    }
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  throw new StoreError(`${file} is not the price table that was just written. Move it away, and try again.`);
}

const holds = (file: string, hash: string): Promise<boolean> =>
  readWhole(file, MAX_BYTES).then(
    (text) => hashOf(text) === hash,
    () => false,
  );

/**
 * Returns `null` where the run names no table, as in batches of version 0.1.0. Throws {@link StoreError} where the one that it
 * names is missing, cannot be read, or is not the one that the run began with: another one would charge other prices.
 */
export async function readRunPrices(
  batchFolder: string,
  { runs }: Pick<Manifest, 'runs'>,
  run: number,
): Promise<PriceTable | null> {
  const hash = runs.find((each) => each.run === run)?.price_table;
  if (hash === undefined) return null;
  const file = fileOf(batchFolder, hash);
  let text: string;
  try {
    text = await readWhole(file, MAX_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new StoreError(`${file}, the price table that run ${run} began with, is missing. ${REMEDY}`);
    throw new StoreError(`cannot read the prices of run ${run}: ${messageOf(error)}`, { cause: error });
  }
  if (hashOf(text) !== hash)
    throw new StoreError(`${file} is not the price table that run ${run} began with. ${REMEDY}`);
  try {
    return priceTableSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new StoreError(`${file} is not a price table. ${REMEDY}`, { cause: error });
  }
}

const REMEDY =
  'Put the right file back; if it is lost, end the run with "durabatch cancel", and "durabatch resume" starts another one at the prices of today.';

/** The table that charges a run: the bundled one where it names none. Throws {@link StoreError} as {@link readRunPrices} does. */
export async function priceTableOf(
  batchFolder: string,
  manifest: Pick<Manifest, 'runs'>,
  run: number,
): Promise<PriceTable> {
  const table = await readRunPrices(batchFolder, manifest, run);
  // Large, and mostly not needed.
  return table ?? (await import('../../prices/bundled-table.ts')).bundledTable;
}

/**
 * Reads each run's table once. Throws {@link StoreError} for one that may not be used.
 */
export function createRunPrices(
  store: Pick<BatchStore, 'folder' | 'manifest' | 'readManifest'>,
  mayUse: (manifest: Manifest, hash: string) => boolean = () => true,
): (run: number) => Promise<PriceTable> {
  const tables = new Map<number, Promise<PriceTable>>();
  const read = async (run: number): Promise<PriceTable> => {
    const known = await store.manifest();
    // The run may have begun since it was read.
    const manifest = known.runs.some((each) => each.run === run) ? known : await store.readManifest();
    const hash = manifest.runs.find((each) => each.run === run)?.price_table;
    if (hash !== undefined && !mayUse(manifest, hash))
      throw new StoreError(
        `the prices of run ${run} are not those that its user has started or confirmed here. "durabatch resume" asks about them.`,
      );
    return priceTableOf(store.folder, manifest, run);
  };
  return (run) => {
    const known = tables.get(run);
    if (known) return known;
    const reading = read(run);
    tables.set(run, reading);
    reading.catch(() => {
      // This caller gets the error; the next one may find the file corrected.
      tables.delete(run);
    });
    return reading;
  };
}
