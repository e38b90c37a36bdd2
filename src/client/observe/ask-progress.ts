import type { Progress } from '../../core/progress.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { isPolled } from './server-view.ts';
import { isProgress } from './told-by-server.ts';
import type { Temporal } from '../connect/temporal.ts';

/** A worker that lives answers in milliseconds; one that does not must not keep anybody waiting. */
export const ASK_MS = 1200;

/** What came of asking a workflow how it stands. */
export type Word =
  | { kind: 'told'; progress: Progress }
  /** A worker polls for it, or did until a moment ago, and has not answered in time (busy, or cut off) or not with a progress, or the server has not. */
  | { kind: 'silent' }
  /** No worker is there to carry the question. */
  | { kind: 'nobody' };

/** Asks the workflow for its own word. */
export async function askProgress(
  temporal: Temporal,
  { batchId, taskQueue }: { batchId: string; taskQueue: string },
  askMs: number = ASK_MS,
): Promise<Word> {
  const { client } = temporal;
  try {
    return await client.withDeadline(Date.now() + askMs, async () => {
      if (!(await isPolled(temporal, taskQueue))) return { kind: 'nobody' };
      const progress: unknown = await client.workflow.getHandle(batchId).query(progressQuery);
      return isProgress(progress) ? { kind: 'told', progress } : { kind: 'silent' };
    });
  } catch {
    // What the server or the ledger remembers answers instead, and says so.
    return { kind: 'silent' };
  }
}
