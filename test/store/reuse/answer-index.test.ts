import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { usableAnswers } from '../../../src/store/reuse/answer-index.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import { makeBatch } from '../support/batches.ts';
import { answer, settled } from '../support/records.ts';

/** A shard whose only prompt has its end, and its note. */
async function closedShard(t: TestContext) {
  const store = await makeBatch(t, [{ prompt_id: 'p', prompt: 'one' }]);
  await store.withShard(0, async ({ writer }) => {
    await writer.append(answer('x'), { durable: false });
    await writer.append(settled('e', { answers: ['x'] }), { durable: true });
  });
  const file = join(store.folder, 'ledger', '00000', 'answers.json');
  const read = () => usableAnswers(new BatchStore(store.location, store.batchId, 'reader'), 0);
  const change = async (from: string, to: string) =>
    writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
  return { store, file, read, change };
}

test('whoever writes the last end of a shard notes its answers, and the note is what is read', async (t) => {
  const { read, change } = await closedShard(t);
  const answers = await read();
  assert.deepEqual(
    answers.map(({ location, ...found }) => ({ ...found, at: location.offset })),
    [
      {
        ...{ index: 0, sample: 1, isComplete: true, at: 0 },
        answeredAt: Date.parse('2026-01-01T00:00:00.000Z'),
        origin: { answer: 'x', sample: 1 },
      },
    ],
  );
  await change('"x"', '"by the note"');
  assert.deepEqual(
    (await read()).map(({ origin }) => origin.answer),
    ['by the note'],
  );
});

for (const [what, spoil] of [
  [
    'has grown',
    ({ store }) =>
      store.withShard(0, ({ writer }) =>
        writer.append(settled('f', { run: 2, answers: ['x'] }), { durable: true }),
      ),
  ],
  ['has a note that is no JSON', ({ change }) => change('{', '')],
  ['has a note of an earlier build', ({ change }) => change('"unused":true,', '')],
  ['has a note without token limits', ({ change }) => change('"maxTokens":[0],', '')],
  ['has a note of another format', ({ change }) => change('"format":1', '"format":9')],
] satisfies [string, (shard: Awaited<ReturnType<typeof closedShard>>) => Promise<unknown>][]) {
  test(`a ledger that ${what} is read, and noted again`, async (t) => {
    const shard = await closedShard(t);
    await shard.store.close();
    await shard.change('"x"', '"by the note"');
    await spoil(shard);
    const origins = async () => (await shard.read()).map(({ origin }) => origin.answer);
    assert.deepEqual(await origins(), ['x']);
    await shard.change('"x"', '"noted again"');
    assert.deepEqual(await origins(), ['noted again']);
  });
}
