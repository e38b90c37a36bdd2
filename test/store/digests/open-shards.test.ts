import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readBatchPrompts } from '../../../src/store/ledger/batch-reading.ts';
import type { BatchStore } from '../../../src/store/batch-store.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import type { Shard } from '../../../src/store/shard.ts';
import { makeBatch } from '../support/batches.ts';
import { putInTheWay } from '../support/put-in-the-way.ts';
import { answer, fault } from '../support/records.ts';

const SHARDS = 20;

const makeShards = (t: TestContext): Promise<BatchStore> =>
  makeBatch(
    t,
    Array.from({ length: SHARDS }, (_, i) => ({ prompt_id: `p${i}`, prompt: 'x' })),
    { shardSize: 1 },
  );

/** Uses each of the shards once, for a moment. */
async function visit(store: BatchStore, from: number, to: number): Promise<Shard[]> {
  const visited: Shard[] = [];
  for (let number = from; number < to; number++)
    visited.push(await store.withShard(number, async (shard) => shard));
  return visited;
}

const sameAgain = (store: BatchStore, shard: Shard): Promise<boolean> =>
  store.withShard(shard.shard, async (again) => again === shard);

test('all who work on a shard at a time share what is open of it', async (t) => {
  const store = await makeShards(t);
  const first = await store.openShard(0);
  await visit(store, 1, SHARDS);
  const second = await store.openShard(0);
  assert.equal(second, first);
  await first.release();
  await visit(store, 1, SHARDS);
  assert.ok(await sameAgain(store, second), 'it was dropped while somebody used it');
  await second.release();
});

test('of the shards nobody uses only the most recently used ones stay open', async (t) => {
  const store = await makeShards(t);
  const visited = await visit(store, 0, SHARDS);
  assert.ok(await sameAgain(store, visited[SHARDS - 1]!));
  assert.ok(await sameAgain(store, visited[SHARDS - 4]!));
  assert.equal(await sameAgain(store, visited[SHARDS - 5]!), false);
  assert.equal(await sameAgain(store, visited[0]!), false);
});

test('a dropped shard starts a new ledger file when it is used again, and reads all of them', async (t) => {
  const store = await makeShards(t);
  const append = (id: string): Promise<void> =>
    store.withShard(0, ({ writer }) => writer.append(answer(id), { durable: true }));
  await append('a1');
  await visit(store, 1, SHARDS);
  await append('a2');
  await store.withShard(0, async ({ reader }) => {
    await reader.refresh();
    const { answers } = reader.history(0);
    assert.deepEqual(answers.map(({ id }) => id).sort(), ['a1', 'a2']);
    assert.equal(new Set(answers.map(({ location }) => location.file)).size, 2);
  });
});

/** Its first shard, which others have been used after, holds a record that could not be written: something stands where `ledger` should be. */
async function withUnsaved(t: TestContext, record: LedgerRecord, options: { durable: boolean }) {
  const store = await makeShards(t);
  const ledger = join(store.folder, 'ledger');
  await putInTheWay(ledger);
  const shard = await store.openShard(0);
  await assert.rejects(shard.writer.append(record, options));
  await shard.release();
  await visit(store, 1, SHARDS);
  return { store, shard, ledger };
}

test('a shard that holds answers no disk has taken stays until they are saved', async (t) => {
  const { store, shard, ledger } = await withUnsaved(t, answer('a'), { durable: true });
  await store.close();
  assert.equal(store.unsaved, 1);
  assert.ok(await sameAgain(store, shard));
  await rm(ledger);
  await store.saveUnsaved();
  assert.equal(store.unsaved, 0);
  await visit(store, 1, SHARDS);
  assert.equal(await sameAgain(store, shard), false);
});

test('so does one that holds a fault alone, which nobody is kept waiting for', async (t) => {
  const { store, shard, ledger } = await withUnsaved(t, fault('f'), { durable: false });
  assert.equal(store.unsaved, 0);
  assert.ok(await sameAgain(store, shard));
  await rm(ledger);
  await store.saveUnsaved();
  await visit(store, 1, SHARDS);
  assert.equal(await sameAgain(store, shard), false);
  await store.withShard(0, async ({ reader }) => {
    await reader.refresh();
    assert.deepEqual(
      reader.history(0).faults.map(({ id }) => id),
      ['f'],
    );
  });
});

test('a shard is given back also by work that fails, and by a reading that ends early', async (t) => {
  const store = await makeShards(t);
  await assert.rejects(
    store.withShard(0, async () => {
      throw new Error('no');
    }),
    /^Error: no$/,
  );
  let read: Shard | null = null;
  for await (const { shard } of readBatchPrompts(store)) {
    if (shard < 1) continue;
    read = await store.withShard(1, async (open) => open);
    break;
  }
  const [first] = await visit(store, 0, 1);
  await visit(store, 2, SHARDS);
  assert.equal(await sameAgain(store, first!), false);
  assert.equal(await sameAgain(store, read!), false);
});

test('giving a shard back more often than it was taken is an error', async (t) => {
  const store = await makeShards(t);
  const shard = await store.openShard(3);
  await shard.release();
  await assert.rejects(shard.release(), /shard 3 was released more often than used/);
});

test('a closed store can be worked with again', async (t) => {
  const store = await makeShards(t);
  const shard = await store.openShard(0);
  await shard.writer.append(answer('a1'), { durable: true });
  await store.close();
  await shard.writer.append(answer('a2'), { durable: true });
  await shard.reader.refresh();
  assert.equal(shard.reader.history(0).answers.length, 2);
  await shard.release();
});
