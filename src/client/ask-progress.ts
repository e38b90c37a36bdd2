import type { Progress } from '../contract.ts';
import { progressQuery } from '../workflows/messages.ts';
import { isPolled } from './server-view.ts';
import type { Temporal } from './temporal.ts';

/** A worker that lives answers in milliseconds; one that does not must not keep anybody waiting. */
export const ASK_MS = 1200;

/** The workflow's own word; `null` where no worker is there to carry it. */
export async function askProgress(
  temporal: Temporal,
  { batchId, taskQueue }: { batchId: string; taskQueue: string },
  askMs: number = ASK_MS,
): Promise<Progress | null> {
  try {
    return await temporal.client.withDeadline(Date.now() + askMs, async () =>
      (await isPolled(temporal, taskQueue))
        ? temporal.client.workflow.getHandle(batchId).query(progressQuery)
        : null,
    );
  } catch {
    // A busy or dying worker: what the server or the ledger remembers answers instead, and says so.
    return null;
  }
}
