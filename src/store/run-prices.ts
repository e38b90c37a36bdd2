/** The price table that a run began with, kept in the batch folder: it holds for the whole run, on every worker. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { priceTableSchema, type PriceTable } from '../prices/price-table.ts';
import { createWhole, readWhole } from './create-whole.ts';
import { cannotWrite, messageOf, StoreError } from './store-error.ts';
import { makeFolder } from './sync-folder.ts';

const folderOf = (batchFolder: string): string => join(batchFolder, 'prices');
const fileOf = (batchFolder: string, run: number): string => join(folderOf(batchFolder), `run-${run}.json`);

/**
 * Before the run's workflow starts. The file is made once, whole, and never changed. Throws {@link StoreError}.
 */
export async function keepRunPrices(batchFolder: string, run: number, table: PriceTable): Promise<void> {
  const folder = folderOf(batchFolder);
  try {
    await makeFolder(folder);
    await createWhole(fileOf(batchFolder, run), `${JSON.stringify(table)}\n`);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Removes the table of a run whose number is given back, so that the next run of that number keeps its own. */
export const dropRunPrices = (batchFolder: string, run: number): Promise<void> =>
  rm(fileOf(batchFolder, run), { recursive: true, force: true });

/** `null`: none was kept, as in batches of older versions. Throws {@link StoreError} where it cannot be read. */
export async function readRunPrices(batchFolder: string, run: number): Promise<PriceTable | null> {
  const file = fileOf(batchFolder, run);
  let text: string;
  try {
    text = await readWhole(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new StoreError(`cannot read the prices of run ${run}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return priceTableSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new StoreError(
      `${file} is not a price table. Remove it, and run ${run} uses the table that came with this version.`,
      { cause: error },
    );
  }
}

/** Reads each run's table once. A run without one is charged by the bundled table. */
export function createRunPrices(batchFolder: string): (run: number) => Promise<PriceTable> {
  const tables = new Map<number, Promise<PriceTable>>();
  return (run) => {
    const known = tables.get(run);
    if (known) return known;
    const read = readRunPrices(batchFolder, run).then(
      // Large, and mostly not needed.
      async (table) => table ?? (await import('../prices/bundled-table.ts')).bundledTable,
    );
    tables.set(run, read);
    read.catch(() => {
      // This caller gets the error; the next one may find the file corrected.
      tables.delete(run);
    });
    return read;
  };
}
