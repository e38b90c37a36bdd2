import { randomUUID } from 'node:crypto';
import { readShardPrompts } from '../../store/ledger/batch-reading.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { ReopenedRecord } from '../../store/ledger/records.ts';

/** Makes the batch's failed prompts open again, for the run of this number; resolves to how many. Their usable answers stay. */
export async function reopenFailed(store: BatchStore, run: number, now: Date): Promise<number> {
  const { shards } = await store.manifest();
  let reopened = 0;
  for (let shard = 0; shard < shards; shard++) {
    const records: ReopenedRecord[] = [];
    for await (const { index, promptState } of readShardPrompts(store, shard)) {
      if (promptState.settled?.status !== 'failed') continue;
      const at = now.toISOString();
      records.push({ type: 'reopened', id: randomUUID(), at, index, run, turn: 0, attempt: 0 });
    }
    reopened += records.length;
    await store.withShard(shard, ({ writer }) =>
      Promise.all(records.map((record) => writer.append(record, { durable: true }))),
    );
  }
  return reopened;
}
