import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { countReusable, reuseAnswers } from '../../src/client/reuse.ts';
import type { PromptItem } from '../../src/contract.ts';
import { outcomesOf, readBatchPrompts } from '../../src/store/batch-reading.ts';
import { BatchDraft } from '../../src/store/batch-draft.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import type { Manifest } from '../../src/store/manifest.ts';
import { manifestOf } from '../report/support/report-fixtures.ts';
import { makeBatch } from '../store/support/batches.ts';
import { answer, settled, start } from '../store/support/records.ts';

const NOW = new Date('2026-06-01T00:00:00.000Z');
const { settings, limits } = manifestOf(1);
const items = (...texts: string[]): PromptItem[] =>
  texts.map((prompt, index) => ({ prompt_id: `p${index + 1}`, prompt }));

/** A batch made before: `samples` of each prompt are bought, one a request. */
async function earlierBatch(
  t: TestContext,
  id: string,
  prompts: readonly PromptItem[],
  { samples = 2, finishReason = 'stop' }: { samples?: number; finishReason?: string } = {},
): Promise<BatchStore> {
  const store = await makeBatch(t, prompts, { batch_id: id });
  const { writer } = await store.openShard(0);
  for (let index = 0; index < prompts.length; index++) {
    const ids: string[] = [];
    for (let sample = 1; sample <= samples; sample++) {
      const name = `${id}-${index}-${sample}`;
      ids.push(name);
      await writer.append(start(`start of ${name}`, { index, samples: [sample] }), { durable: false });
      const choices = [{ sample, text: `${id} ${index + 1}.${sample}`, finishReason }];
      await writer.append(answer(name, { index, choices, costNanoUsd: 1000 }), { durable: false });
    }
    await writer.append(settled(`end of ${id}-${index}`, { index, answers: ids }), { durable: true });
  }
  return store;
}

const newBatch = (t: TestContext, prompts: readonly PromptItem[], changes: Partial<Manifest> = {}) =>
  makeBatch(t, prompts, { batch_id: 'new', ...changes });

/** The texts each prompt has, sample by sample, as another process reads them. */
async function textsOf({ location, batchId }: BatchStore): Promise<string[][]> {
  const texts: string[][] = [];
  for await (const { completions } of outcomesOf(new BatchStore(location, batchId, 'reader'), false))
    texts.push(completions.map(({ text }) => text));
  return texts;
}

async function missingOf({ location, batchId }: BatchStore): Promise<number[][]> {
  const missing: number[][] = [];
  for await (const { standing } of readBatchPrompts(new BatchStore(location, batchId, 'reader')))
    missing.push(standing.missing);
  return missing;
}

test('a file that has grown, in another order: what is known is taken, what is new is missing', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one', 'two', 'three'));
  const store = await newBatch(t, items('new', 'three', 'one', 'newer'));
  assert.equal(await reuseAnswers(store, [earlier], NOW), 4);
  assert.deepEqual(await textsOf(store), [[], ['a 3.1', 'a 3.2'], ['a 1.1', 'a 1.2'], []]);
  assert.deepEqual(await missingOf(store), [[1, 2], [], [], [1, 2]]);
});

test('from 2 completions to 4, the first two are taken over', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one'));
  const store = await newBatch(t, items('one'), { settings: { ...settings, completions: 4 } });
  assert.equal(await reuseAnswers(store, [earlier], NOW), 2);
  assert.deepEqual(await missingOf(store), [[3, 4]]);
});

test('from 2 completions to 1, only the first is taken over', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one'));
  const store = await newBatch(t, items('one'), { settings: { ...settings, completions: 1 } });
  assert.equal(await reuseAnswers(store, [earlier], NOW), 1);
  assert.deepEqual(await textsOf(store), [['a 1.1']]);
});

test('another temperature is another request', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one'));
  const store = await newBatch(t, items('one'), { settings: { ...settings, temperature: 1 } });
  assert.equal(await reuseAnswers(store, [earlier], NOW), 0);
});

test('of several earlier batches the first named that has it is taken', async (t) => {
  const a = await earlierBatch(t, 'a', items('one', 'two'), { samples: 1 });
  const b = await earlierBatch(t, 'b', items('two', 'three'));
  const store = await newBatch(t, items('one', 'two', 'three'));
  assert.equal(await reuseAnswers(store, [a, b], NOW), 5);
  assert.deepEqual(await textsOf(store), [['a 1.1'], ['a 2.1', 'b 1.2'], ['b 2.1', 'b 2.2']]);
});

test('no answer is given to two prompts: the second of two identical ones is missing', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('same'));
  const store = await newBatch(t, items('same', 'same'));
  assert.equal(await reuseAnswers(store, [earlier], NOW), 2);
  assert.deepEqual(await missingOf(store), [[], [1, 2]]);
});

test('of two identical prompts each gets its own counterpart', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('same', 'other', 'same'));
  const store = await newBatch(t, items('same', 'same'));
  assert.equal(await reuseAnswers(store, [earlier], NOW), 4);
  assert.deepEqual(await textsOf(store), [
    ['a 1.1', 'a 1.2'],
    ['a 3.1', 'a 3.2'],
  ]);
});

test('taken over twice is the same as once', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one', 'two'));
  const store = await newBatch(t, items('one', 'two'));
  assert.equal(await reuseAnswers(store, [earlier], NOW), 4);
  const again = new BatchStore(store.location, store.batchId, 'another process');
  t.after(() => again.close());
  assert.equal(await reuseAnswers(again, [earlier], NOW), 0);
  assert.deepEqual(await textsOf(store), [
    ['a 1.1', 'a 1.2'],
    ['a 2.1', 'a 2.2'],
  ]);
});

test('nothing was paid here, and the completion says who paid, also at third hand', async (t) => {
  const first = await earlierBatch(t, 'a', items('one'));
  const second = await makeBatch(t, items('one'), { batch_id: 'b' });
  await reuseAnswers(second, [first], NOW);
  const third = await newBatch(t, items('one'));
  assert.equal(await reuseAnswers(third, [second], NOW), 2);
  for await (const { completions, paid, bill } of outcomesOf(third, false)) {
    assert.deepEqual([paid.costNanoUsd, paid.usage.total, bill.reused], [0, 0, 2]);
    assert.deepEqual(
      completions.map(({ reused, costNanoUsd }) => [
        reused?.batchId,
        reused?.answer,
        reused?.costNanoUsd,
        costNanoUsd,
      ]),
      [
        ['a', 'a-0-1', 1000, 0],
        ['a', 'a-0-2', 1000, 0],
      ],
    );
  }
});

test('an answer that was cut off is not taken where such answers are rejected', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one'), { finishReason: 'length' });
  const strict = await newBatch(t, items('one'), { limits: { ...limits, rejectTruncated: true } });
  assert.equal(await reuseAnswers(strict, [earlier], NOW), 0);
  const lenient = await makeBatch(t, items('one'), { batch_id: 'lenient' });
  assert.equal(await reuseAnswers(lenient, [earlier], NOW), 2);
});

test('an answer that was no success is not taken', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one'), { finishReason: 'content_filter' });
  assert.equal(await reuseAnswers(await newBatch(t, items('one')), [earlier], NOW), 0);
});

test('many prompts over several shards', async (t) => {
  const texts = Array.from({ length: 450 }, (_, index) => `prompt ${index}`);
  const earlier = await earlierBatch(t, 'a', items(...texts));
  const changed = texts.map((text, index) => (index % 45 === 0 ? `${text}, changed` : text));
  const store = await newBatch(t, items(...changed), { shardSize: 100 } as Partial<Manifest>);
  assert.equal(await reuseAnswers(store, [earlier], NOW), 880);
  const missing = await missingOf(store);
  assert.equal(missing.filter((samples) => samples.length === 2).length, 10);
  assert.equal(missing.filter((samples) => samples.length === 0).length, 440);
});

test('further parameters are part of the request', async (t) => {
  const [plain] = items('one');
  const seeded: PromptItem = { ...plain!, extra_body: { seed: 1 } };
  const earlier = await earlierBatch(t, 'a', [seeded]);
  assert.equal(await reuseAnswers(await newBatch(t, [plain!]), [earlier], NOW), 0);
  const same = await makeBatch(t, [seeded], { batch_id: 'same' });
  assert.equal(await reuseAnswers(same, [earlier], NOW), 2);
});

test('more answers than are held at a time, in another order than their prompts', async (t) => {
  const texts = Array.from({ length: 30 }, (_, index) => `prompt ${index} ${'x'.repeat(10)}`);
  const earlier = await makeBatch(t, items(...texts), { batch_id: 'a' });
  const long = 'y'.repeat(1_500_000);
  for (let index = 0; index < texts.length; index++) {
    const choices = [{ sample: 1, text: `${index} ${long}`, finishReason: 'stop' }];
    const { writer } = await earlier.openShard(0);
    await writer.append(answer(`a${index}`, { index, choices }), { durable: false });
  }
  const store = await newBatch(t, items(...texts.toReversed()), { shardSize: 7 } as Partial<Manifest>);
  assert.equal(await reuseAnswers(store, [earlier], NOW), 30);
  const found = (await textsOf(store)).map(([text]) => Number(text?.split(' ')[0]));
  assert.deepEqual(found, texts.map((_, index) => index).toReversed());
});

describe('what the other batches of the folder have', () => {
  async function twoBatches(t: TestContext) {
    const earlier = await earlierBatch(t, 'a', items('one', 'two'));
    const draft = await BatchDraft.open(earlier.location, 500);
    for (const item of items('two', 'three')) await draft.add(item);
    await draft.commit(manifestOf(2, { batch_id: 'new', store_uuid: earlier.location.uuid }));
    return new BatchStore(earlier.location, 'new', 'test');
  }

  test('is counted', async (t) => {
    assert.deepEqual(await countReusable(await twoBatches(t)), { completions: 2, batchIds: ['a'] });
  });

  test('is not waited for when the time is over', async (t) => {
    assert.deepEqual(await countReusable(await twoBatches(t), -1), { completions: 0, batchIds: [] });
  });

  test('is counted beside a batch whose manifest cannot be read', async (t) => {
    const store = await twoBatches(t);
    const damaged = join(store.location.outputDir, 'damaged');
    await mkdir(damaged);
    await writeFile(join(damaged, 'batch.json'), '{');
    assert.deepEqual(await countReusable(store), { completions: 2, batchIds: ['a'] });
  });

  test('is not counted, and stops nothing, where a ledger is damaged', async (t) => {
    const store = await twoBatches(t);
    const ledger = join(store.location.outputDir, 'a', 'ledger', '00000');
    for (const name of await readdir(ledger)) {
      const file = join(ledger, name);
      await writeFile(file, `no record\n${await readFile(file, 'utf8')}`);
    }
    assert.deepEqual(await countReusable(store), { completions: 0, batchIds: [] });
  });
});
