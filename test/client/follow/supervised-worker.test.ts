import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { superviseWorker } from '../../../src/client/follow/supervised-worker.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import type { BatchWorker } from '../../../src/worker/batch-worker.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { putInTheWay } from '../../store/support/put-in-the-way.ts';
import { answer, fault } from '../../store/support/records.ts';
import { until } from '../../support/until.ts';

/** A worker that stops when it is told to, or fails when the test says so: Temporal's own cannot be made to. */
function endingWorker(): BatchWorker & { fail(message: string): void } {
  let end!: { resolve(): void; reject(error: Error): void };
  const stopped = new Promise<void>((resolve, reject) => (end = { resolve, reject }));
  return {
    stopped,
    requestsInFlight: 0,
    stop: async () => {
      end.resolve();
      await stopped.catch(() => {});
    },
    leave: async () => {},
    fail: (message) => end.reject(new Error(message)),
  };
}

/** A posted worker whose store could not write this record, as the ledger's folder is in the way. */
async function postedWith(t: TestContext, record: LedgerRecord) {
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'x' }]);
  const inTheWay = join(store.folder, 'ledger');
  await putInTheWay(inTheWay);
  const notes: string[] = [];
  const worker = endingWorker();
  const posted = superviseWorker(worker, store, (line) => notes.push(line));
  const { type } = record;
  await assert.rejects(
    store.withShard(0, ({ writer }) => writer.append(record, { durable: type === 'answer' })),
  );
  return { store, worker, posted, notes, makeRoom: () => rm(inTheWay) };
}

/** What another process finds of the only prompt. */
async function foundBy({ location, batchId }: BatchStore) {
  return new BatchStore(location, batchId, 'other').withShard(0, async ({ reader }) => {
    await reader.refresh();
    return reader.history(0);
  });
}

for (const how of ['is told to leave', 'fails'] as const) {
  test(`a worker that ${how} is not gone before its answers are on disk`, async (t) => {
    const { store, worker, posted, notes, makeRoom } = await postedWith(t, answer('a1'));
    const unsavedWhenGone = posted.gone.then(() => store.unsaved);
    if (how === 'fails') worker.fail('no such namespace');
    else void posted.leave();
    // It says so when it has tried to save them, and goes on trying.
    await until(() => notes.some((note) => /^1 paid answers are only in memory: .*Make room/.test(note)));
    assert.deepEqual(notes.slice(0, -1), how === 'fails' ? ['the worker failed: no such namespace'] : []);
    await makeRoom();
    assert.equal(await unsavedWhenGone, 0);
    assert.deepEqual(
      (await foundBy(store)).answers.map(({ id }) => id),
      ['a1'],
    );
  });
}

test('while it works, what is unsaved is saved as soon as there is room, and said by nobody before', async (t) => {
  const { store, posted, notes, makeRoom } = await postedWith(t, answer('a1'));
  await posted.save();
  assert.equal(store.unsaved, 1);
  await makeRoom();
  await posted.save();
  assert.equal(store.unsaved, 0);
  assert.equal((await foundBy(store)).answers.length, 1);
  assert.deepEqual(notes, []);
  await posted.leave();
});

test('a fault alone keeps no worker: it is saved where there is room, and else its loss is told', async (t) => {
  const saved = await postedWith(t, fault('f1'));
  await saved.makeRoom();
  await saved.posted.leave();
  assert.equal((await foundBy(saved.store)).faults.length, 1);
  assert.deepEqual(saved.notes, []);

  const lost = await postedWith(t, fault('f1'));
  await lost.posted.leave();
  assert.match(lost.notes.join(), /No answer is lost, but free ones stand as possibly paid/);
});
