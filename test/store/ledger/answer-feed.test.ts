import assert from 'node:assert/strict';
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AnswerFeed } from '../../../src/store/ledger/answer-feed.ts';
import type { BatchStore } from '../../../src/store/batch-store.ts';
import { parseCursor, toCursor } from '../../../src/store/ledger/feed-position.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { makeBatch } from '../support/batches.ts';
import { answer, settled, start } from '../support/records.ts';

const batch = (t: TestContext): Promise<BatchStore> =>
  makeBatch(
    t,
    Array.from({ length: 6 }, (_, index) => ({ prompt_id: `p${index}`, prompt: 'x' })),
    { shardSize: 3 },
  );

const fileOf = (store: BatchStore, shard: number, tag: string): string =>
  join(store.folder, 'ledger', `0000${shard}`, `worker-${tag}.jsonl`);

async function append(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, text);
}

const lineOf = (record: LedgerRecord): string => `${JSON.stringify(record)}\n`;

async function given(feed: AnswerFeed, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const ids: string[] = [];
  for await (const { record } of feed.next()) {
    // As who is interrupted: asked for, and not taken.
    if (ids.length === most) break;
    ids.push(record.id);
  }
  return ids;
}

/** What goes on from a cursor that was printed and typed again. */
function goneOn(store: BatchStore, feed: AnswerFeed): AnswerFeed {
  return new AnswerFeed(store, parseCursor(toCursor(store.batchId, feed.position))!.position);
}

test('answers of several shards and writers are given once each, as they come', async (t) => {
  const store = await batch(t);
  const feed = new AnswerFeed(store);
  assert.deepEqual(await given(feed), []);
  await append(
    fileOf(store, 0, 'aaaaaaaa'),
    lineOf(start('s1')) + lineOf(answer('a1')) + lineOf(settled('e1')),
  );
  await append(fileOf(store, 1, 'bbbbbbbb'), lineOf(answer('a2', { index: 3 })));
  assert.deepEqual(await given(feed), ['a1', 'a2']);
  assert.deepEqual(await given(feed), []);
  await append(fileOf(store, 0, 'cccccccc'), lineOf(answer('a3')));
  await append(fileOf(store, 1, 'bbbbbbbb'), lineOf(answer('a4', { index: 3 })));
  assert.deepEqual(await given(feed), ['a3', 'a4']);
});

test('a torn line is given once it is whole, and so is a whole one whose line break is missing', async (t) => {
  const store = await batch(t);
  const feed = new AnswerFeed(store);
  const file = fileOf(store, 0, 'aaaaaaaa');
  const line = lineOf(answer('a1'));
  await append(file, line.slice(0, 50));
  assert.deepEqual(await given(feed), []);
  await append(file, line.slice(50, -1));
  assert.deepEqual(await given(feed), ['a1']);
  await append(file, `\n${lineOf(answer('a2'))}`);
  assert.deepEqual(await given(goneOn(store, feed)), ['a2']);
  assert.deepEqual(await given(feed), ['a2']);
});

test('a line in the middle that is none is an error that names the file', async (t) => {
  const store = await batch(t);
  await append(fileOf(store, 0, 'aaaaaaaa'), `${lineOf(answer('a1'))}{"half\n${lineOf(answer('a2'))}`);
  await assert.rejects(given(new AnswerFeed(store)), /worker-aaaaaaaa\.jsonl: what stands at byte \d+ is no/);
});

test('what a full disk made a writer write again is given once, also to who has gone on between', async (t) => {
  const store = await batch(t);
  const feed = new AnswerFeed(store);
  await append(fileOf(store, 0, 'aaaaaaaa'), lineOf(answer('a1')) + lineOf(answer('a2')) + '{"torn');
  assert.deepEqual(await given(feed), ['a1', 'a2']);
  await append(fileOf(store, 0, 'cccccccc'), ['a1', 'a2', 'a3'].map((id) => lineOf(answer(id))).join(''));
  assert.deepEqual(await given(goneOn(store, feed)), ['a3']);
  assert.deepEqual(await given(feed), ['a3']);
});

test('interrupted after any number and gone on, none is lost and none comes twice', async (t) => {
  const store = await batch(t);
  const expected: string[] = [];
  const write = async (round: number): Promise<void> => {
    for (let shard = 0; shard < 2; shard++) {
      for (const tag of ['aaaaaaaa', 'bbbbbbbb']) {
        const ids = Array.from({ length: 1 + (round % 3) }, (_, n) => `${round}-${shard}-${tag}-${n}`);
        expected.push(...ids);
        await append(
          fileOf(store, shard, tag),
          ids.map((id) => lineOf(answer(id, { index: shard * 3 }))).join(''),
        );
      }
    }
  };
  let feed = new AnswerFeed(store);
  const all: string[] = [];
  for (let round = 0; round < 12; round++) {
    await write(round);
    all.push(...(await given(feed, round % 5)));
    feed = goneOn(store, feed);
  }
  all.push(...(await given(feed)));
  assert.deepEqual(all.toSorted(), expected.toSorted());
});

test('from now on leaves out what is there, a line that is being written not', async (t) => {
  const store = await batch(t);
  const file = fileOf(store, 0, 'aaaaaaaa');
  const long = lineOf(
    answer('a2', { choices: [{ sample: 1, text: 'x'.repeat(200_000), finishReason: 'stop' }] }),
  );
  await append(file, lineOf(answer('a1')) + long.slice(0, 150_000));
  const feed = new AnswerFeed(store);
  await feed.skip();
  assert.deepEqual(await given(feed), []);
  await append(file, long.slice(150_000));
  await append(fileOf(store, 1, 'bbbbbbbb'), lineOf(answer('a3', { index: 3 })));
  assert.deepEqual(await given(feed), ['a2', 'a3']);
});

test('a cursor is one word, and what is none is told from it', () => {
  const position = new Map([[7, new Map([['worker-0123abcd.jsonl', 1234]])]]);
  const cursor = toCursor('demo-1', position);
  assert.match(cursor, /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(parseCursor(cursor), {
    batchId: 'demo-1',
    position: new Map([[7, new Map([['0123abcd', 1234]])]]),
  });
  for (const text of ['', 'c1_', 'c1_!!', cursor.slice(0, -6), 'demo-1'])
    assert.equal(parseCursor(text), null, text);
});
