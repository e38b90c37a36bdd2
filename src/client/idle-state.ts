/** Why no worker seems to be on an open batch, derived from the liveness records of its workers. */
import type { BatchState } from '../contract.ts';
import { isAtWork, readWorkerRecords } from '../store/worker-records.ts';

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
