import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reopenFailed } from '../../../src/client/control/reopen-failed.ts';
import type { PromptItem } from '../../../src/core/prompt.ts';
import { readBatchPrompts } from '../../../src/store/ledger/batch-reading.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { settled } from '../../store/support/records.ts';

test('opens the failed prompts of every shard, and no others', async (t) => {
  const items = Array.from({ length: 25 }, (_, n): PromptItem => ({ prompt_id: `p${n}`, prompt: 'x' }));
  const store = await makeBatch(t, items, { shardSize: 10 });
  const isFailed = (index: number): boolean => index < 20 && index % 3 === 0;
  for (let index = 0; index < 24; index++) {
    const record = settled(`end ${index}`, { index, status: isFailed(index) ? 'failed' : 'succeeded' });
    await store.withShard(Math.floor(index / 10), ({ writer }) => writer.append(record, { durable: true }));
  }
  assert.equal(await reopenFailed(store, 2, new Date()), 7);
  const open: number[] = [];
  for await (const { index, promptState } of readBatchPrompts(
    new BatchStore(store.location, store.batchId, 'r'),
  ))
    if (!promptState.settled) open.push(index);
  assert.deepEqual(open, [0, 3, 6, 9, 12, 15, 18, 24]);
  assert.equal(await reopenFailed(store, 2, new Date()), 0);
});
