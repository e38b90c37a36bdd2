/** A batch's state from outside: from its workflow, or where nobody can ask that, from what is written down. */
import type { BatchState, Counts, FailureCounts, Paid, Pause } from '../contract.ts';
import { taskQueueOf } from '../contract.ts';
import { batchDigest } from '../store/batch-digest.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { Manifest } from '../store/manifest.ts';
import type { BatchStatus, StatusSource } from './render/status-text.ts';
import { outsideEndOf } from './outside-end.ts';
import { isOf, openWorkflows, type ServerView, viewWithin } from './server-view.ts';
import { ASK_MS, askProgress } from './ask-progress.ts';
import { accountStanding } from './account-standing.ts';
import type { Temporal } from './temporal.ts';
import { waitingOf, waitingText as textOfWaiting } from './waiting.ts';

interface Facts {
  state: BatchState;
  pause: Pause | null;
  counts: Counts;
  failuresByType: FailureCounts;
  paid: Paid;
  source: StatusSource;
}

/** Answers within about two seconds whether or not server and workers live; starts nothing. */
export async function statusOf(temporal: Temporal | null, store: BatchStore): Promise<BatchStatus> {
  const manifest = await store.readManifest();
  const view = temporal && (await viewWithin(temporal, store.batchId, ASK_MS));
  const ours = view && isOf(view, store) ? view : null;
  const facts =
    (ours?.kind === 'open' && (await ask(temporal!, store))) || (await recorded(store, manifest, ours));
  const outcome = manifest.runs.findLast((run) => run.outcome)?.outcome;
  const [waiting, account] = await Promise.all([
    waitingText(temporal, ours, facts),
    accountText(temporal, store, manifest, facts),
  ]);
  return {
    id: store.batchId,
    name: manifest.batch_name,
    ...facts,
    simulated: manifest.settings.provider === 'simulated',
    outputDir: store.location.outputDir,
    folderHost: null,
    startedAt: manifest.runs[0]?.started_at ?? manifest.created_at,
    resultsFile: outcome?.resultsFile ?? null,
    csvFile: outcome?.csvFile ?? null,
    waiting,
    account,
    endedOutside: await endedOutside(temporal, store.batchId, ours, facts.state),
    webUiUrl: ours && ours.kind !== 'absent' ? temporal!.webUiOf(store.batchId, ours.runId) : null,
  };
}

/** What its prompts in progress wait for, in words, if all of them wait. */
export async function waitingText(
  temporal: Temporal | null,
  view: ServerView | null,
  { state, counts }: Pick<Facts, 'state' | 'counts'>,
): Promise<string | null> {
  if (!temporal || view?.kind !== 'open' || state !== 'running') return null;
  const workflows = await temporal.client
    .withDeadline(Date.now() + ASK_MS, () => openWorkflows(temporal, view))
    // A server that does not answer knows nothing for now.
    .catch(() => [view.description]);
  const waiting = waitingOf(workflows);
  if (!waiting || waiting.prompts < counts.running) return null;
  return textOfWaiting(waiting, Date.now());
}

async function accountText(
  temporal: Temporal | null,
  { batchId }: BatchStore,
  { limits: { account } }: Manifest,
  { state }: Facts,
): Promise<string | null> {
  if (!temporal || !account || state !== 'running') return null;
  return accountStanding(temporal, account, batchId, ASK_MS);
}

/** Somebody terminated its workflow, or a bug ended it: nobody has to look for a worker that died. */
export async function endedOutside(
  temporal: Temporal | null,
  batchId: string,
  view: ServerView | null,
  state: BatchState,
): Promise<string | null> {
  if (!temporal || !view || view.kind !== 'closed') return null;
  if (state !== 'crashed' && state !== 'paused') return null;
  return temporal.client
    .withDeadline(Date.now() + ASK_MS, () => outsideEndOf(temporal, batchId, view))
    .catch(() => null);
}

async function ask(temporal: Temporal, store: BatchStore): Promise<Facts | null> {
  const taskQueue = taskQueueOf(store.location, store.batchId);
  const progress = await askProgress(temporal, { batchId: store.batchId, taskQueue });
  if (!progress) return null;
  const { state, pause, counts, failuresByType, paid } = progress;
  return { state, pause, counts, failuresByType, paid, source: 'workflow' };
}

async function recorded(store: BatchStore, manifest: Manifest, view: ServerView | null): Promise<Facts> {
  const source = view === null ? 'ledger' : 'ledger-and-temporal';
  const outcome = manifest.runs.at(-1)?.outcome;
  if (outcome) {
    const { failuresByType = {}, counts, paid } = outcome;
    return { state: outcome.state, pause: null, counts, failuresByType, paid, source };
  }
  const totals = await batchDigest(store);
  const state = recordedState(manifest, view);
  return {
    state,
    pause: state === 'paused' ? ((view?.kind === 'open' ? view.memo.pause : null) ?? manifest.pause) : null,
    counts: {
      total: manifest.prompts,
      succeeded: totals.succeeded,
      failed: totals.failed,
      running: 0,
      pending: totals.open,
      notRun: 0,
    },
    failuresByType: Object.fromEntries(totals.failures.map(({ type, count }) => [type, count])),
    paid: totals.paid,
    source,
  };
}

/** Of a run whose end the manifest does not tell: it is written before the workflow closes. */
function recordedState(manifest: Manifest, view: ServerView | null): BatchState {
  const told = view?.kind === 'open' ? view.memo.state : undefined;
  if (told === 'cancelling') return 'cancelling';
  if (view?.kind === 'closed' && view.description.status.name === 'CANCELLED') return 'cancelled';
  if (told === 'paused' || manifest.pause) return 'paused';
  return 'crashed';
}
