/** A batch's state from outside: from its workflow, or where nobody can ask that, from what is written down. */
import type { BatchState, Counts, Pause, Progress } from '../../core/progress.ts';
import type { FailureCounts, Paid } from '../../core/receipt.ts';
import { taskQueueOf } from '../../core/batch-layout.ts';
import { destinationOf } from '../../providers/destination.ts';
import { batchDigest } from '../../store/digests/batch-digest.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import type { BatchStatus, StatusSource } from '../render/status-text.ts';
import { type IdleState, idleStateByLedger, idleStateOf } from './idle-state.ts';
import { outsideEndOf } from './outside-end.ts';
import { isOf, openWorkflows, type ServerView, viewWithin } from './server-view.ts';
import { ASK_MS, askProgress, type Word } from './ask-progress.ts';
import type { RemoteListing } from './remote-batch.ts';
import { accountStatus } from './account-status.ts';
import { runFlagsOf } from '../start/run-flags.ts';
import type { Temporal } from '../connect/temporal.ts';
import { waitingOf, waitingText as textOfWaiting } from './waiting.ts';

interface Facts {
  state: BatchState;
  pause: Pause | null;
  counts: Counts;
  failuresByType: FailureCounts;
  paid: Paid;
  source: StatusSource;
  workerIsSilent: boolean;
}

/** What the server's list of batches has of one. */
export type Listed = Pick<RemoteListing, 'runId' | 'isOpen' | 'memo'>;

/**
 * Answers within about two seconds whether or not server and workers live; starts nothing. `listed`: what the server's list
 * has of the batch, `null` where it has nothing. With it the server is asked nothing about a batch that has ended.
 */
export async function statusOf(
  temporal: Temporal | null,
  store: BatchStore,
  listed?: Listed | null,
): Promise<BatchStatus> {
  const manifest = await store.readManifest();
  if (temporal && listed !== undefined && !listed?.isOpen && manifest.runs.at(-1)?.outcome)
    return endedStatus(temporal, store, manifest, listed);
  const view = temporal && (await viewWithin(temporal, store.batchId, ASK_MS));
  const ours = view && isOf(view, store) ? view : null;
  const word: Word = ours?.kind === 'open' ? await ask(temporal!, store) : { kind: 'nobody' };
  const facts =
    word.kind === 'told'
      ? asTold(word.progress)
      : await recorded(store, manifest, { view: ours, isSilent: word.kind === 'silent' });
  const [waiting, account] = await Promise.all([
    waitingText(temporal, ours, facts),
    accountText(temporal, store, manifest, facts),
  ]);
  return {
    ...recordedStatus(store, manifest),
    ...facts,
    waiting,
    account,
    told: word.kind === 'told' ? word.progress : null,
    endedOutside: await endedOutside(temporal, store.batchId, ours, facts.state),
    webUiUrl: ours && ours.kind !== 'absent' ? temporal!.webUiOf(store.batchId, ours.runId) : null,
  };
}

/** The status of a batch whose newest run has ended and that is not open. Everything but its Web UI page is in the manifest. */
async function endedStatus(
  temporal: Temporal,
  store: BatchStore,
  manifest: Manifest,
  listed: Listed | null,
): Promise<BatchStatus> {
  const facts = await recorded(store, manifest, { view: null, isSilent: false });
  const isOurs = listed?.memo.store?.uuid === store.location.uuid;
  return {
    ...recordedStatus(store, manifest),
    ...facts,
    source: isOurs ? 'ledger-and-temporal' : 'ledger',
    ...{ waiting: null, account: null, told: null, endedOutside: null },
    webUiUrl: listed && isOurs ? temporal.webUiOf(store.batchId, listed.runId) : null,
  };
}

/** What the manifest alone tells. */
function recordedStatus(store: BatchStore, manifest: Manifest) {
  const outcome = manifest.runs.findLast((run) => run.outcome)?.outcome;
  return {
    id: store.batchId,
    name: manifest.batch_name,
    simulated: manifest.settings.provider === 'simulated',
    outputDir: store.location.outputDir,
    destination: destinationOf(manifest.settings, manifest.limits),
    folderHost: null,
    folderIsGone: false,
    startedAt: manifest.runs[0]?.started_at ?? manifest.created_at,
    resultsFile: outcome?.resultsFile ?? null,
    csvFile: outcome?.csvFile ?? null,
    failuresFile: outcome?.failuresFile ?? null,
    runFlags: runFlagsOf(manifest.settings, manifest.limits, store.location.outputDir),
    limits: manifest.limits,
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
  return accountStatus(temporal, account, batchId, ASK_MS);
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

const ask = (temporal: Temporal, { batchId, location }: BatchStore): Promise<Word> =>
  askProgress(temporal, { batchId, taskQueue: taskQueueOf(location, batchId) });

const asTold = ({ state, pause, counts, failuresByType, paid }: Progress): Facts => ({
  ...{ state, pause, counts, failuresByType, paid },
  source: 'workflow',
  workerIsSilent: false,
});

/** What is written down of it, where its workflow has not told. */
interface Recall {
  view: ServerView | null;
  isSilent: boolean;
}

async function recorded(store: BatchStore, manifest: Manifest, { view, isSilent }: Recall): Promise<Facts> {
  const source = view === null ? 'ledger' : 'ledger-and-temporal';
  const outcome = manifest.runs.at(-1)?.outcome;
  if (outcome) {
    const { failuresByType = {}, counts, paid } = outcome;
    return { state: outcome.state, pause: null, counts, failuresByType, paid, source, workerIsSilent: false };
  }
  const totals = await batchDigest(store);
  const run = manifest.runs.at(-1)?.run ?? null;
  const isTouched = run !== null && totals.lastRecordAt.has(run);
  const idle =
    (await idleStateOf({ batchFolder: store.folder, run, now: Date.now() })) ??
    (isSilent ? 'running' : isTouched ? await idleStateByLedger(store, run) : 'waiting');
  const state = recordedState(manifest, { view, isSilent }, idle);
  const memo = view?.kind === 'open' ? view.memo : null;
  const workerIsSilent = isSilent && state !== 'crashed' && state !== 'stopped' && state !== 'waiting';
  // Nobody is on those that were in progress when nobody is there.
  const running = workerIsSilent ? Math.min(memo?.counts?.running ?? 0, totals.open) : 0;
  return {
    state,
    pause: state === 'paused' ? (memo?.pause ?? manifest.pause) : null,
    counts: {
      total: manifest.prompts,
      succeeded: totals.succeeded,
      failed: totals.failed,
      running,
      pending: totals.open - running,
      notRun: 0,
    },
    failuresByType: Object.fromEntries(totals.failures.map(({ type, count }) => [type, count])),
    paid: totals.paid,
    source,
    workerIsSilent,
  };
}

/** Of a run whose end the manifest does not tell: it is written before the workflow closes. */
function recordedState(manifest: Manifest, { view, isSilent }: Recall, idle: IdleState): BatchState {
  const told = view?.kind === 'open' ? view.memo.state : undefined;
  if (told === 'cancelling') return 'cancelling';
  if (view?.kind === 'closed' && view.description.status.name === 'CANCELLED') return 'cancelled';
  if (told === 'paused' || manifest.pause) return 'paused';
  if (view?.kind === 'closed') return 'crashed';
  // Right after its start it is asked for before its worker has left a sign.
  return isSilent && idle === 'waiting' ? 'running' : idle;
}
