import { resolve } from 'node:path';
import { writeReports } from '../../report/write-reports.ts';
import { priceTableOf, readRunPrices } from '../../store/manifest/run-prices.ts';
import { outcomesOf } from '../../store/ledger/batch-reading.ts';
import { openRunOf } from '../../store/manifest/run-times.ts';
import { statusOf } from '../observe/batch-status.ts';
import { connectTemporalIfRunning } from '../connect/temporal.ts';
import { locateBatch } from '../find/locate-batch.ts';
import { terminalLines } from '../../system/terminal-output.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';

export interface ReportOptions {
  outputDir?: string;
  /** Folder for the files; by default the batch's output folder. */
  to?: string;
}

/** Writes the reports again, from the ledger alone; of a batch that is not at its end they are marked partial. */
export async function reportCommand(
  id: string,
  options: ReportOptions,
  context: CommandContext,
): Promise<number> {
  const { config, json, print } = context;
  const store = await locateBatch(config, id, options.outputDir);
  const temporal = await connectTemporalIfRunning(config).catch(() => null);
  const { state } = await statusOf(temporal, store).finally(() => temporal?.close());
  const manifest = await store.readManifest();
  const now = new Date();
  const { run = 0, outcome } = manifest.runs.at(-1) ?? {};
  // A run of an older version that is over was charged by the table of that version, which is not known.
  const readPrices = outcome ? readRunPrices : priceTableOf;
  const { resultsFile, csvFile, failuresFile, summary } = await writeReports(
    {
      // Its id is the name of its folder, whatever a manifest from elsewhere says.
      manifest: { ...manifest, batch_id: store.batchId },
      state,
      open: openRunOf(manifest, state, now.toISOString()),
      timestamp: now,
      priceTable: await readPrices(store.folder, manifest, run),
      outcomes: () => outcomesOf(store, state === 'cancelled'),
    },
    options.to === undefined ? store.location.outputDir : resolve(options.to),
  );
  if (json) {
    print({ type: 'report', ...summary });
  } else {
    const partial = summary.partial ? ` (partial: the batch is ${state})` : '';
    print(
      terminalLines([
        `Report of ${store.batchId}${partial}:`,
        `  ${resultsFile}`,
        `  ${csvFile}`,
        ...(failuresFile === null ? [] : [`  ${failuresFile}`]),
        ...summary.warnings.map((warning) => `warning: ${warning}`),
      ]),
    );
  }
  return exitCodes.succeeded;
}
