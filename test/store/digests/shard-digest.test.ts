import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { billed, emptyBill } from '../../../src/store/digests/bill-tally.ts';
import { failed, failureGroups, noFailures } from '../../../src/store/digests/failure-tally.ts';
import { batchDigest } from '../../../src/store/digests/batch-digest.ts';
import {
  boughtAnswers,
  noteNewest,
  outcomesOf,
  readBatchPrompts,
} from '../../../src/store/ledger/batch-reading.ts';
import { addPaid, NOTHING_PAID } from '../../../src/store/ledger/prompt-state.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import { billOf } from '../../../src/store/ledger/bill.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import type { ShardDigest } from '../../../src/store/digests/shard-digest.ts';
import { shardDigests } from '../../../src/store/digests/shard-digests.ts';
import { makeBatch } from '../support/batches.ts';
import { answer, fault, settled, start, usage } from '../support/records.ts';

const rejected = (message: string) => ({ type: 'Completion.Rejected', message, attempts: 1 }) as const;
const reopened = { index: 1, run: 2, turn: 0, attempt: 0, at: '2026-01-02T00:00:00.000Z' };
/** Three shards of two prompts: over, half done, untouched. */
const ledger: LedgerRecord[] = [
  start('s0', { index: 0, samples: [1, 2] }),
  answer('a0', {
    index: 0,
    start: 's0',
    choices: [1, 2].map((sample) => ({ sample, text: 'x', finishReason: 'stop' })),
  }),
  settled('e0', { index: 0, answers: ['a0'] }),
  start('s1', { index: 1, run: 1 }),
  fault('f1', { index: 1, run: 1, start: 's1', possiblyPaid: true, status: null }),
  settled('e1', { index: 1, run: 1, status: 'failed', error: rejected('old') }),
  { ...reopened, type: 'reopened', id: 'r1' },
  answer('a1', {
    index: 1,
    run: 2,
    costNanoUsd: 40,
    choices: [{ sample: 1, text: '', finishReason: 'stop' }],
  }),
  settled('e1b', {
    index: 1,
    run: 2,
    at: '2026-01-03T00:00:00.000Z',
    status: 'failed',
    error: rejected('no'),
  }),
  answer('a2', { index: 2, run: 2, costNanoUsd: null }),
];

async function makeLedger(t: TestContext, records = ledger): Promise<BatchStore> {
  const items = Array.from({ length: 6 }, (_, i) => ({ prompt_id: `p${i}`, prompt: 'x' }));
  const store = await makeBatch(t, items, { shardSize: 2 });
  for (const record of records) await append(store, record);
  return store;
}

const append = (store: BatchStore, record: LedgerRecord): Promise<void> =>
  store.withShard(Math.floor(record.index / 2), ({ writer }) => writer.append(record, { durable: true }));

/** Of a process that has nothing open. */
async function digests({ location, batchId }: BatchStore): Promise<ShardDigest[]> {
  const all: ShardDigest[] = [];
  for await (const digest of shardDigests(new BatchStore(location, batchId, 'looker'))) all.push(digest);
  return all;
}

const noteOf = (store: BatchStore, shard: number): string =>
  join(store.folder, 'ledger', `0000${shard}`, 'digest.json');

/** Whether a shard is told from its note: one that says something else is believed. */
async function isBelieved(store: BatchStore, shard: number): Promise<boolean> {
  const text = await readFile(noteOf(store, shard), 'utf8');
  await writeFile(noteOf(store, shard), text.replace('"reasoningTokens":', '"reasoningTokens":77'));
  const told = (await digests(store))[shard]!.bill.reasoningTokens;
  return String(told).startsWith('77');
}

test('a shard’s digest tells its ends and its spending apart by run', async (t) => {
  const [over, half, untouched] = await digests(await makeLedger(t));
  assert.deepEqual([over!.open, over!.succeeded, over!.failed, over!.paid.costNanoUsd], [0, 1, 1, 47]);
  assert.deepEqual(over!.settled, [
    { run: 1, succeeded: 1, failed: 0, failuresByType: {}, paid: { usage, costNanoUsd: 7 } },
    {
      run: 2,
      succeeded: 0,
      failed: 1,
      failuresByType: { 'Completion.Rejected': 1 },
      paid: { usage, costNanoUsd: 40 },
    },
  ]);
  assert.deepEqual(over!.spent, [
    { run: 1, nanoUsd: 107 },
    { run: 2, nanoUsd: 40 },
  ]);
  assert.deepEqual(over!.lastRecordAt.at(-1), { run: 2, at: '2026-01-03T00:00:00.000Z' });
  assert.deepEqual(over!.failures, [
    { type: 'Completion.Rejected', count: 1, examples: [{ promptId: 'p1', message: 'no' }] },
  ]);
  assert.deepEqual([half!.open, half!.settled, half!.spent], [2, [], [{ run: 2, nanoUsd: 0 }]]);
  assert.deepEqual([untouched!.open, untouched!.spent], [2, []]);
});

test('the digests of a batch add up to what its ledger tells, noted or not', async (t) => {
  const store = await makeLedger(t);
  for (const [index, message] of ['no', 'other', 'third', 'fourth'].entries()) {
    const error = rejected(message);
    await append(store, settled(`e${index + 2}`, { index: index + 2, status: 'failed', error }));
  }
  let bill = emptyBill;
  let failures = noFailures;
  const totals = { succeeded: 0, failed: 0, open: 0, paid: NOTHING_PAID };
  const lastRecordAt = new Map<number, string>();
  for await (const { item, history, promptState } of readBatchPrompts(store)) {
    bill = billed(bill, billOf(history, promptState), boughtAnswers(history, promptState));
    failures = failed(failures, { item, error: promptState.settled?.error ?? null });
    totals[promptState.settled?.status ?? 'open']++;
    totals.paid = addPaid(totals.paid, promptState.paid);
    noteNewest(lastRecordAt, history);
  }
  const expected = { ...totals, lastRecordAt, bill, failures: failureGroups(failures) };
  for (let look = 0; look < 2; look++) assert.deepEqual(await batchDigest(store), expected);
  assert.equal(await isBelieved(store, 2), true);
});

test('the writer of a shard’s last end notes it, and no one notes a shard with something open', async (t) => {
  const store = await makeLedger(t);
  assert.equal(await isBelieved(store, 0), true);
  await digests(store);
  assert.deepEqual(
    (await readdir(join(store.folder, 'ledger', '00001'))).filter((name) => name === 'digest.json'),
    [],
  );
  assert.deepEqual((await readdir(join(store.folder, 'ledger'))).sort(), ['00000', '00001']);
});

test('a note is renewed once a record was added, by whomever', async (t) => {
  const store = await makeLedger(t);
  await append(store, answer('late', { index: 0, run: 3, costNanoUsd: 1 }));
  assert.equal((await digests(store))[0]!.paid.costNanoUsd, 48);
  const other = new BatchStore(store.location, store.batchId, 'other');
  t.after(() => other.close());
  await append(other, answer('later', { index: 0, run: 3, costNanoUsd: 1 }));
  assert.equal((await digests(store))[0]!.paid.costNanoUsd, 49);
  assert.equal(await isBelieved(store, 0), true);
});

const changes: { title: string; change(store: BatchStore, file: string): Promise<void> }[] = [
  { title: 'a file that grew', change: (_store, file) => appendFile(file, '\n') },
  { title: 'a file more', change: (_store, file) => writeFile(`${file}-2.jsonl`, '') },
  { title: 'a file that is gone', change: (_store, file) => rm(file) },
  {
    title: 'a note that is cut',
    change: async (store) =>
      writeFile(noteOf(store, 0), (await readFile(noteOf(store, 0), 'utf8')).slice(0, -20)),
  },
  {
    title: 'a note of another version',
    change: async (store) =>
      writeFile(
        noteOf(store, 0),
        (await readFile(noteOf(store, 0), 'utf8')).replace('"format":2', '"format":1'),
      ),
  },
  ...['"costNanoUsd":-', '"costNanoUsd":"x', '"knownNanoUsd":"-', '"knownNanoUsd":"1.'].map((absurd) => ({
    title: `a note of ${absurd}…`,
    change: async (store: BatchStore): Promise<void> => {
      const text = await readFile(noteOf(store, 0), 'utf8');
      const [name = ''] = absurd.split(':');
      const changed = text.replace(new RegExp(`${name}:("?)(\\d+)`), (_, _quote, digits: string) =>
        absurd.includes('"x') ? `${name}:"x"` : `${absurd}${digits}`,
      );
      assert.notEqual(changed, text);
      await writeFile(noteOf(store, 0), changed);
    },
  })),
];
for (const { title, change } of changes) {
  test(`with ${title} the ledger is read`, async (t) => {
    const store = await makeLedger(t);
    const text = await readFile(noteOf(store, 0), 'utf8');
    await writeFile(noteOf(store, 0), text.replace('"reasoningTokens":', '"reasoningTokens":77'));
    const [name] = (await readdir(join(store.folder, 'ledger', '00000'))).filter((each) =>
      each.endsWith('.jsonl'),
    );
    await change(store, join(store.folder, 'ledger', '00000', name!));
    const [told] = await digests(store);
    assert.equal(String(told!.bill.reasoningTokens).startsWith('77'), false);
  });
}

test('a ledger that cannot be read is told, though a note of what it was is there', async (t) => {
  const store = await makeLedger(t);
  const foreign = join(store.folder, 'ledger', '00000', 'foreign.jsonl');
  await writeFile(foreign, 'hello\nhello\n');
  await assert.rejects(digests(store), (error: Error) => error.message.startsWith(`${foreign}: line 1: `));
});

test('where no note can be written the digest is told all the same', async (t) => {
  const store = await makeLedger(t);
  const before = await digests(store);
  await rm(noteOf(store, 0));
  await mkdir(noteOf(store, 0));
  assert.deepEqual(await digests(store), before);
  const folder = join(store.folder, 'ledger', '00000');
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('reports read the ledger, whatever a note says', async (t) => {
  const store = await makeLedger(t);
  const text = await readFile(noteOf(store, 0), 'utf8');
  await writeFile(noteOf(store, 0), text.replace('"succeeded":1', '"succeeded":5'));
  assert.equal((await batchDigest(store)).succeeded, 5);
  const statuses: string[] = [];
  for await (const { status } of outcomesOf(store, true)) statuses.push(status);
  assert.equal(statuses.filter((status) => status === 'succeeded').length, 1);
});
