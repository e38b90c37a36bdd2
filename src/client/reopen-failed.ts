import { randomUUID } from 'node:crypto';
import { readBatchPrompts } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';

/** Makes the batch's failed prompts open again, for the run of this number; resolves to how many. Their usable answers stay. */
export async function reopenFailed(store: BatchStore, run: number, now: Date): Promise<number> {
  let reopened = 0;
  const appends: Promise<void>[] = [];
  for await (const { shard, index, standing } of readBatchPrompts(store)) {
    if (standing.settled?.status !== 'failed') continue;
    const record = {
      type: 'reopened',
      id: randomUUID(),
      at: now.toISOString(),
      index,
      run,
      turn: 0,
      attempt: 0,
    } as const;
    appends.push(store.withShard(shard, ({ writer }) => writer.append(record, { durable: true })));
    reopened++;
  }
  await Promise.all(appends);
  return reopened;
}
