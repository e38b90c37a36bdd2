/** Batches as they are reached through Temporal alone: their folders are on another machine, or not known here. */
import { hostname } from 'node:os';
import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { BatchState, Counts } from '../../core/progress.ts';
import { type StoreLocation, taskQueuePrefixOf } from '../../core/batch-layout.ts';
import { ASK_MS, askProgress, type Word } from './ask-progress.ts';
import { isStillThere } from '../find/batch-registry.ts';
import { endedOutside, waitingText } from './batch-status.ts';
import type { BatchStatus } from '../render/status-text.ts';
import { idleStateByServer } from './idle-state.ts';
import { isOpenWorkflow, openWorkflows, type ServerView, viewOf, viewWithin } from './server-view.ts';
import type { Temporal } from '../connect/temporal.ts';
import { type BatchMemo, toBatchMemo } from './told-by-server.ts';

export const MAX_LISTED = 1000;
const noCounts: Counts = { total: 0, succeeded: 0, failed: 0, running: 0, pending: 0, notRun: 0 };

export type RemoteView = Exclude<ServerView, { kind: 'absent' }>;

/** The batch of this id on the server; `null` if it has none. */
export async function findRemoteBatch(temporal: Temporal, batchId: string): Promise<RemoteView | null> {
  const view = await viewOf(temporal, batchId);
  return view.kind === 'absent' || view.description.type !== 'promptBatch' ? null : view;
}

export interface RemoteListing {
  batchId: string;
  runId: string;
  taskQueue: string;
  isOpen: boolean;
  memo: BatchMemo;
  startedAt: Date;
}

export interface ListOptions {
  openOnly?: boolean;
  /** Those of this store alone, however many there are. */
  store?: Pick<StoreLocation, 'uuid'>;
}

/**
 * The server's batches, the newest first: each once, as its newest execution tells; without a store no more than
 * {@link MAX_LISTED}. The server's list lags by some tenths of a second.
 */
export async function listRemoteBatches(
  { client }: Temporal,
  options: ListOptions = {},
): Promise<RemoteListing[]> {
  const found = new Map<string, RemoteListing>();
  for await (const execution of client.workflow.list({ query: queryOf(options) })) {
    const listing = toListing(execution);
    const known = found.get(listing.batchId);
    if (!known || known.startedAt < listing.startedAt) found.set(listing.batchId, listing);
    if (!options.store && found.size >= MAX_LISTED) break;
  }
  return [...found.values()];
}

const queryOf = ({ openOnly = false, store }: ListOptions): string =>
  [
    "WorkflowType = 'promptBatch'",
    ...(openOnly ? ["ExecutionStatus = 'Running'"] : []),
    ...(store ? [`TaskQueue STARTS_WITH '${taskQueuePrefixOf(store)}'`] : []),
  ].join(' AND ');

/** As {@link listRemoteBatches} has it. */
export const listingOf = (
  batchId: string,
  { kind, runId, memo, description }: RemoteView,
): RemoteListing => ({
  ...{ batchId, runId, memo, isOpen: kind === 'open' },
  ...{ taskQueue: description.taskQueue, startedAt: description.startTime },
});

const toListing = ({ workflowId, runId, taskQueue, status, memo, startTime }: WorkflowExecutionInfo) => ({
  ...{ batchId: workflowId, runId, taskQueue, startedAt: startTime },
  isOpen: isOpenWorkflow({ status }),
  memo: toBatchMemo(memo),
});

/** As far as Temporal knows: the workflow's word, else what its memo said at the last change of state. */
export async function remoteStatusOf(temporal: Temporal, listing: RemoteListing): Promise<BatchStatus> {
  const { batchId, runId, memo, startedAt } = listing;
  const word: Word = listing.isOpen ? await askProgress(temporal, listing) : { kind: 'nobody' };
  const progress = word.kind === 'told' ? word.progress : null;
  const outcome = listing.isOpen ? null : await remoteOutcome(temporal, listing);
  const told = progress ?? outcome;
  const derived = told?.state ?? (await derivedState(temporal, listing, word));
  const state = derived ?? memo.state ?? 'running';
  const workerIsSilent = told === null && (derived === null || derived === 'running');
  const { counts, paid, failuresByType = {} } = told ?? remembered(memo, workerIsSilent);
  // Of the others nothing is asked that the server could tell.
  const needsView = state === 'running' || state === 'crashed' || state === 'paused';
  const view = needsView ? await viewWithin(temporal, batchId, ASK_MS) : null;
  return {
    id: batchId,
    name: memo.name ?? batchId,
    state,
    pause: progress ? progress.pause : (listing.isOpen && memo.pause) || null,
    ...{ counts, paid },
    failuresByType,
    simulated: memo.simulated ?? false,
    outputDir: memo.store?.outputDir ?? 'unknown',
    folderHost: memo.store?.host ?? 'another machine',
    folderIsGone: await isGone(listing),
    startedAt: startedAt.toISOString(),
    resultsFile: outcome?.resultsFile ?? memo.results?.resultsFile ?? null,
    csvFile: outcome?.csvFile ?? memo.results?.csvFile ?? null,
    failuresFile: outcome?.failuresFile ?? memo.results?.failuresFile ?? null,
    runFlags: [],
    destination: null,
    webUiUrl: temporal.webUiOf(batchId, runId),
    waiting: await waitingText(temporal, view, { state, counts }),
    account: null,
    limits: null,
    told: progress,
    endedOutside: await endedOutside(temporal, batchId, view, state),
    source: progress || outcome ? 'workflow' : 'temporal',
    workerIsSilent,
  };
}

/** How a closed run ended by its own word; `null` where it was cancelled, or ended from outside. */
export async function remoteOutcome(
  { client }: Temporal,
  { batchId, runId }: Pick<RemoteListing, 'batchId' | 'runId'>,
): Promise<BatchOutcome | null> {
  try {
    const handle = client.workflow.getHandle(batchId, runId);
    return await client.withDeadline(Date.now() + ASK_MS, () => handle.result() as Promise<BatchOutcome>);
  } catch {
    // Its memo has the rest.
    return null;
  }
}

/** Whether its folder was on this machine, and is not there any more. */
export async function isGone({ batchId, memo: { store } }: RemoteListing): Promise<boolean> {
  return store !== undefined && store.host === hostname() && !(await isStillThere({ ...store, batchId }));
}

/** State of a batch that has not told its own; `null`: a worker polls for it, or the server does not answer. */
async function derivedState(
  temporal: Temporal,
  { batchId, isOpen, memo }: RemoteListing,
  word: Word,
): Promise<BatchState | null> {
  if (!isOpen) return closedState(memo);
  if (word.kind === 'silent') return null;
  // A worker notes a state in the first thing it does.
  if (memo.state === undefined) return 'waiting';
  if (memo.state === 'paused' || memo.state === 'cancelling') return memo.state;
  return temporal.client
    .withDeadline(Date.now() + ASK_MS, async () =>
      idleStateByServer(await openWorkflows(temporal, await viewOf(temporal, batchId))),
    )
    .catch(() => null);
}

/** A closed batch has noted its end in its memo, unless it was ended from outside. */
export const closedState = ({ state }: BatchMemo): BatchState =>
  state === 'succeeded' || state === 'partly_failed' || state === 'cancelled' ? state : 'crashed';

/** Counts of prompts in progress are of then: without a worker nobody is on them now. */
export function remembered(
  { counts, paid, failuresByType = {} }: BatchMemo,
  hasWorker: boolean,
): Pick<BatchStatus, 'counts' | 'paid' | 'failuresByType'> {
  const { total, succeeded, failed, notRun, ...then } = counts ?? noCounts;
  const running = hasWorker ? then.running : 0;
  return {
    failuresByType,
    counts: {
      ...{ total, succeeded, failed, notRun },
      running,
      pending: total - succeeded - failed - notRun - running,
    },
    paid: paid ?? {
      usage: { prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 },
      costNanoUsd: null,
    },
  };
}
