import type { BatchOutcome, ReportRequest } from '../contract.ts';
import { writeReports } from '../report/write-reports.ts';
import { durationOf, outcomesOf, totalsOf } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { readRunPrices } from '../store/run-prices.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';

export type WriteReport = (request: ReportRequest) => Promise<BatchOutcome>;

/** Writes the results beside the batch's folder, and into the manifest how the run ended. */
export function createWriteReport({ store }: { store: BatchStore }): WriteReport {
  return ({ run, state, endedAt }) =>
    heartbeating(async () => {
      const manifest = await store.readManifest();
      const known = manifest.runs.find((candidate) => candidate.run === run)?.outcome;
      if (known) return known;
      const totals = await totalsOf(store);
      const written = await writeReports(
        {
          manifest,
          state,
          durationSeconds: durationOf(manifest, totals, { run, at: endedAt }),
          timestamp: new Date(endedAt),
          priceTable: await readRunPrices(store.folder, run),
          outcomes: () => outcomesOf(store, true),
        },
        store.location.outputDir,
      );
      const outcome: BatchOutcome = {
        state,
        counts: {
          total: manifest.prompts,
          pending: 0,
          running: 0,
          succeeded: totals.succeeded,
          failed: totals.failed,
          notRun: totals.open,
        },
        failuresByType: Object.fromEntries(written.summary.failures.map(({ type, count }) => [type, count])),
        paid: totals.paid,
        resultsFile: written.resultsFile,
        csvFile: written.csvFile,
        failuresFile: written.failuresFile,
        durationSeconds: written.summary.duration_seconds,
        warnings: written.summary.warnings,
      };
      await store.updateManifest((current) => ({
        ...current,
        pause: null,
        runs: current.runs.map((entry) =>
          entry.run === run ? { ...entry, ended_at: endedAt, outcome } : entry,
        ),
      }));
      return outcome;
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
