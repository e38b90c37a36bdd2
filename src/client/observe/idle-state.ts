/**
 * Why no worker seems to be on an open batch: by the liveness records of its workers; by the ledger, where version 0.1.0
 * worked on it; or by what Temporal has pending, where the batch's folder is not here.
 */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { BatchState } from '../../core/progress.ts';
import { readBatchPrompts } from '../../store/ledger/batch-reading.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { StartRecord } from '../../store/ledger/records.ts';
import { isAtWork, readWorkerRecords } from '../../store/workers/worker-records.ts';
import { isProvenDead } from '../../system/worker-identity.ts';

export type IdleState = Extract<BatchState, 'running' | 'waiting' | 'stopped' | 'crashed'>;

export interface IdleFacts {
  batchFolder: string;
  /** The batch's newest run; `null`: it has none yet. */
  run: number | null;
  /** ms since 1970. */
  now: number;
}

/**
 * For what is shown to people only: one look cannot tell whether a record is still renewed, so the time of its last
 * renewal is compared with the clock here. Whoever buys watches the record instead. `null`: there are no records, as
 * the batch was started by an older version.
 */
export async function idleStateOf({ batchFolder, run, now }: IdleFacts): Promise<IdleState | null> {
  const all = await readWorkerRecords(batchFolder);
  if (all === null) return null;
  const ofRun = all.filter((record) => (record.run ?? 0) >= (run ?? 0));
  if (ofRun.some((record) => isAtWork(record, now))) return 'running';
  const [last] = ofRun.toSorted((a, b) => b.renewedAt - a.renewedAt);
  if (!last) return 'waiting';
  return last.left ? 'stopped' : 'crashed';
}

/**
 * For runs without liveness records. `crashed`: the worker that sent the newest request has not recorded the end of one.
 * A worker that was killed with no request in flight looks like one that was stopped; it has lost nothing.
 */
export async function idleStateByLedger(store: BatchStore, run: number | null): Promise<IdleState> {
  let newest: StartRecord | null = null;
  const withLostRequests = new Set<string>();
  for await (const { history } of readBatchPrompts(store)) {
    const ended = new Set([...history.answers, ...history.faults].map(({ start }) => start));
    for (const start of history.starts.filter((record) => record.run === run)) {
      if (newest === null || start.at > newest.at) newest = start;
      if (!ended.has(start.id)) withLostRequests.add(start.worker);
    }
  }
  if (newest === null) return 'waiting';
  return withLostRequests.has(newest.worker) ? 'crashed' : 'stopped';
}

const ACTIVITY_STARTED = 2;
const HEARTBEAT_TIMEOUT = 4;

/**
 * Of a batch's open workflows that no worker polls for. A worker that is stopped ends what it has in progress; one that
 * vanishes leaves activities that stay started until they time out. One that vanishes with nothing in progress looks
 * like one that was stopped; it has lost nothing.
 */
export function idleStateByServer(workflows: readonly WorkflowExecutionDescription[]): IdleState {
  const pending = workflows.flatMap(({ raw }) => raw.pendingActivities ?? []);
  const started = pending.filter(({ state }) => state === ACTIVITY_STARTED);
  if (started.some(({ lastWorkerIdentity }) => !isProvenDead(lastWorkerIdentity ?? ''))) return 'running';
  const isTimedOut = pending.some(
    ({ lastFailure }) => lastFailure?.timeoutFailureInfo?.timeoutType === HEARTBEAT_TIMEOUT,
  );
  return started.length > 0 || isTimedOut ? 'crashed' : 'stopped';
}
