import type { ReachedBatch, Told } from '../reached-batch.ts';
import { progressJson } from '../render/progress-json.ts';
import { statusJson, statusText } from '../render/status-text.ts';
import { type CommandContext, outputTraits } from './context.ts';

/** Prints how a batch stands after it was told something. */
export async function printTold(
  batch: ReachedBatch,
  { progress, alone }: Told,
  { json, print, note }: CommandContext,
): Promise<void> {
  const status = await batch.status();
  if (json) {
    const { simulated } = status;
    print({
      ...statusJson(status),
      worker_alive: !alone,
      progress: progressJson(progress, { batchId: batch.batchId, simulated }),
    });
  } else {
    const { paint, columns } = outputTraits();
    print(statusText(status, { paint, columns }));
  }
  if (alone)
    note(
      `No worker is on this batch: what was set holds from its next one. To go on: durabatch resume ${batch.batchId}`,
    );
}
