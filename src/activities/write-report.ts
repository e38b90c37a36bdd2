import { rm } from 'node:fs/promises';
import type { BatchOutcome } from '../core/outcome.ts';
import type { FinalState } from '../core/progress.ts';
import type { ReportRequest } from '../core/prompt-task.ts';
import { toOutcomeBill } from '../store/digests/bill-tally.ts';
import { failureGroups } from '../store/digests/failure-tally.ts';
import { finalCounts, type Tally, totalPaid } from '../report/tally/tally.ts';
import { type WrittenReports, writeReports } from '../report/write-reports.ts';
import { outcomesOf } from '../store/ledger/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { priceTableOf } from '../store/manifest/run-prices.ts';
import type { Manifest } from '../store/manifest/manifest.ts';
import { withOutcome } from '../store/manifest/run-notes.ts';
import { StoreError } from '../store/store-error.ts';
import { asActivity } from './as-activity.ts';

export type WriteReport = (request: ReportRequest) => Promise<BatchOutcome>;

/** Writes the results beside the batch's folder, and into the manifest how the run ended: both from one pass over the ledger. */
export function createWriteReport({ store }: { store: BatchStore }): WriteReport {
  return asActivity(async ({ run, state: told, endedAt: toldEnd }) => {
    const manifest = await store.readManifest();
    const known = outcomeOfRun(manifest, run);
    if (known) {
      // An attempt before this one was lost after it had noted the outcome, maybe before it had copied the manifest.
      await store.updateManifest((current) => current);
      return known;
    }
    const endedAt = plausibleEnd(manifest, run, toldEnd);
    const written = await writeReports(
      {
        // Its id is the name of its folder, whatever a manifest from elsewhere says.
        manifest: { ...manifest, batch_id: store.batchId },
        state: told,
        stateOf: (tally) => stateOf(told, tally),
        open: { run, at: endedAt },
        timestamp: new Date(endedAt),
        priceTable: await priceTableOf(store.folder, manifest, run),
        outcomes: () => outcomesOf(store, true),
      },
      store.location.outputDir,
    );
    const outcome = toOutcome(stateOf(told, written.tally), written);
    const noted = await store.updateManifest((current) => withOutcome(current, run, endedAt, outcome));
    const first = outcomeOfRun(noted, run) ?? outcome;
    // Another attempt was faster: its report is the one that the workflow and the manifest name.
    if (first.resultsFile !== outcome.resultsFile) await removeReports(written);
    return first;
  });
}

/** The ledger decides, and not who asks: only a cancelled batch has prompts that were not run. */
function stateOf(told: FinalState, { failed, notRun, pending }: Tally): FinalState {
  if (told === 'cancelled') return told;
  if (notRun + pending > 0)
    throw new StoreError(
      `the batch was reported as ${told}, but by its ledger ${notRun + pending} of its prompts have no end`,
    );
  return failed > 0 ? 'partly_failed' : 'succeeded';
}

/** By how much the clocks of the server and of this machine may differ. */
const CLOCK_SKEW_MS = 3_600_000;

/** The workflow's time where its run can have ended then; else the present one. */
function plausibleEnd({ runs }: Manifest, run: number, endedAt: string): string {
  const startedAt = Date.parse(runs.find((each) => each.run === run)?.started_at ?? '');
  const end = Date.parse(endedAt);
  const isPlausible = end >= startedAt - CLOCK_SKEW_MS && end <= Date.now() + CLOCK_SKEW_MS;
  return isPlausible ? endedAt : new Date().toISOString();
}

const outcomeOfRun = ({ runs }: Manifest, run: number): BatchOutcome | undefined =>
  runs.find((candidate) => candidate.run === run)?.outcome;

function toOutcome(
  state: ReportRequest['state'],
  { summary, tally, resultsFile, csvFile, failuresFile }: WrittenReports,
): BatchOutcome {
  const failures = failureGroups(tally.failures);
  return {
    state,
    counts: finalCounts(tally),
    failuresByType: Object.fromEntries(failures.map(({ type, count }) => [type, count])),
    paid: totalPaid(tally),
    bill: toOutcomeBill(tally.bill),
    failures,
    ...{ resultsFile, csvFile, failuresFile },
    durationSeconds: summary.duration_seconds,
    pausedSeconds: summary.paused_seconds,
    idleSeconds: summary.idle_seconds,
    warnings: summary.warnings,
  };
}

async function removeReports({ resultsFile, csvFile, failuresFile }: WrittenReports): Promise<void> {
  for (const file of [resultsFile, csvFile, failuresFile]) if (file !== null) await rm(file, { force: true });
}
