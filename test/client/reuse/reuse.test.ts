import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { PromptItem } from '../../../src/core/prompt.ts';
import { outcomesOf } from '../../../src/store/ledger/batch-reading.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import type { Manifest } from '../../../src/store/manifest/manifest.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { answer, settled } from '../../store/support/records.ts';
import {
  batchBeside,
  buy,
  earlierBatch,
  items,
  missingOf,
  newBatch,
  NOW,
  reuseAnswers,
  textsOf,
} from '../support/reuse-batches.ts';

const { settings, limits } = manifestOf(1);

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
  assert.deepEqual(await textsOf(store), [['a 1.1'], ['a 2.1', 'b 1.1'], ['b 2.1', 'b 2.2']]);
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

/** A batch of one prompt that failed, with these choices: one answer each, of which its end names those in `used`. */
async function failedBatch(
  t: TestContext,
  choices: readonly { sample: number; text: string; finishReason: string }[],
  used: readonly number[] = [],
): Promise<BatchStore> {
  const store = await makeBatch(t, items('one'), { batch_id: 'failed' });
  const { writer } = await store.openShard(0);
  for (const [at, choice] of choices.entries())
    await writer.append(answer(`a${at}`, { choices: [choice] }), { durable: false });
  const answers = used.map((at) => `a${at}`);
  await writer.append(settled('end', { status: 'failed', answers }), { durable: true });
  return store;
}

const cutOff = (sample: number, text: string) => ({ sample, text, finishReason: 'length' });

for (const [what, choices, used, lenient, strict] of [
  ['cut off', [cutOff(1, 'one'), cutOff(2, 'two')], [], ['one', 'two'], []],
  ['cut off twice', [cutOff(1, 'one'), cutOff(1, 'again')], [], ['one', 'again'], []],
  [
    'cut off, beside one that was good',
    [{ ...cutOff(1, 'good'), finishReason: 'stop' }, cutOff(2, 'two')],
    [0],
    ['good', 'two'],
    ['good'],
  ],
  [
    'cut off before a good one for the same sample',
    [cutOff(1, 'cut'), { ...cutOff(1, 'good'), finishReason: 'stop' }],
    [1],
    ['good', 'cut'],
    ['good'],
  ],
  ['cut off without text', [cutOff(1, ' ')], [], [], []],
  ['refused', [{ ...cutOff(1, 'no'), finishReason: 'content_filter' }], [], [], []],
] satisfies [string, Parameters<typeof failedBatch>[1], number[], string[], string[]][]) {
  test(`answers of a failed prompt: ${what}`, async (t) => {
    const failed = await failedBatch(t, choices, used);
    const rejecting = await newBatch(t, items('one'), { limits: { ...limits, rejectTruncated: true } });
    assert.equal(await reuseAnswers(rejecting, [failed], NOW), strict.length);
    assert.deepEqual(await textsOf(rejecting), [strict]);
    const accepting = await makeBatch(t, items('one'), { batch_id: 'accepting' });
    assert.equal(await reuseAnswers(accepting, [failed], NOW), lenient.length);
    assert.deepEqual(await textsOf(accepting), [lenient]);
  });
}

test('retry takes no answer back that the batch rejected, whoever has a copy of it', async (t) => {
  const strict = { limits: { ...limits, rejectTruncated: true } };
  const failed = await makeBatch(t, items('one'), { batch_id: 'failed', ...strict });
  const { writer } = await failed.openShard(0);
  await writer.append(answer('a', { choices: [cutOff(1, 'one')] }), { durable: false });
  await writer.append(settled('end', { status: 'failed', answers: [] }), { durable: true });
  const copy = await makeBatch(t, items('one'), { batch_id: 'copy' });
  assert.equal(await reuseAnswers(copy, [failed], NOW), 1);
  await writer.append({ ...settled('open again', { run: 2 }), type: 'reopened' } as never, { durable: true });
  for (const rejectTruncated of [true, false])
    assert.equal(await reuseAnswers(failed, [copy], NOW, { rejectTruncated }), 0);
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
    return batchBeside(earlier, 'new', items('two', 'three'));
  }

  test('is taken over', async (t) => {
    assert.equal(await reuseAnswers(await twoBatches(t), 'folder', NOW), 2);
  });

  test('is taken over beside a batch whose manifest cannot be read', async (t) => {
    const store = await twoBatches(t);
    const damaged = join(store.location.outputDir, 'damaged');
    await mkdir(damaged);
    await writeFile(join(damaged, 'batch.json'), '{');
    const skipped: string[] = [];
    assert.equal(await reuseAnswers(store, 'folder', NOW, {}, (id) => skipped.push(id)), 2);
    assert.deepEqual(skipped, ['damaged']);
  });

  test('is left where a ledger is damaged; who named the batch is told', async (t) => {
    const store = await twoBatches(t);
    const ledger = join(store.location.outputDir, 'a', 'ledger', '00000');
    for (const name of await readdir(ledger)) {
      const file = join(ledger, name);
      await writeFile(file, `no record\n${await readFile(file, 'utf8')}`);
    }
    const skipped: string[] = [];
    assert.equal(await reuseAnswers(store, 'folder', NOW, {}, (id) => skipped.push(id)), 0);
    assert.deepEqual(skipped, ['a']);
    const named = new BatchStore(store.location, 'a', 'reader');
    await assert.rejects(reuseAnswers(store, [named], NOW), { name: 'ForeignLedgerError' });
  });

  test('comes from the newest batch first', async (t) => {
    const older = await earlierBatch(t, 'older', items('one'));
    const newer = await batchBeside(older, 'newer', items('one'), { created_at: '2026-04-01T00:00:00.000Z' });
    await buy(newer, 'newer', 1);
    const store = await batchBeside(older, 'new', items('one'), { created_at: '2026-05-01T00:00:00.000Z' });
    assert.equal(await reuseAnswers(store, 'folder', NOW), 2);
    assert.deepEqual(await textsOf(store), [['newer 1.1', 'newer 1.2']]);
  });
});

describe('answers of one key', () => {
  test('two batches of 3 serve six completions', async (t) => {
    const a = await earlierBatch(t, 'a', items('one'), { samples: 3 });
    const b = await earlierBatch(t, 'b', items('one'), { samples: 3 });
    const store = await newBatch(t, items('one'), { settings: { ...settings, completions: 6 } });
    assert.equal(await reuseAnswers(store, [a, b], NOW), 6);
    assert.deepEqual(await textsOf(store), [['a 1.1', 'a 1.2', 'a 1.3', 'b 1.1', 'b 1.2', 'b 1.3']]);
  });

  test('two identical prompts serve one', async (t) => {
    const earlier = await earlierBatch(t, 'a', items('same', 'same'));
    const store = await newBatch(t, items('same'), { settings: { ...settings, completions: 4 } });
    assert.equal(await reuseAnswers(store, [earlier], NOW), 4);
  });

  test('with a seed the second sample of each batch is the second', async (t) => {
    const seeded = items('one').map((item) => ({ ...item, extra_body: { seed: 7 } }));
    const a = await earlierBatch(t, 'a', seeded, { samples: 2 });
    const b = await earlierBatch(t, 'b', seeded, { samples: 3 });
    const store = await newBatch(t, seeded, { settings: { ...settings, completions: 6 } });
    assert.equal(await reuseAnswers(store, [a, b], NOW), 3);
    assert.deepEqual(await textsOf(store), [['a 1.1', 'a 1.2', 'b 1.3']]);
    assert.deepEqual(await missingOf(store), [[4, 5, 6]]);
  });

  test('a prompt that is over in another shard keeps its answer to itself', async (t) => {
    const earlier = await earlierBatch(t, 'a', items('same'));
    const store = await newBatch(t, items('same', 'same'), { shardSize: 1 } as Partial<Manifest>);
    assert.equal(await reuseAnswers(store, [earlier], NOW), 2);
    await store.withShard(0, ({ writer }) =>
      writer.append(settled('end', { index: 0, answers: ['reused-a-0-1-1-0-1', 'reused-a-0-2-2-0-2'] }), {
        durable: true,
      }),
    );
    const again = new BatchStore(store.location, store.batchId, 'another process');
    t.after(() => again.close());
    assert.equal(await reuseAnswers(again, [earlier], NOW), 0);
  });
});

describe('no answer stands twice in one batch', () => {
  test('through two batches that took it over from a third', async (t) => {
    const first = await earlierBatch(t, 'a', items('one'));
    const copies: BatchStore[] = [];
    for (const id of ['b', 'c']) {
      const copy = await makeBatch(t, items('one'), { batch_id: id });
      assert.equal(await reuseAnswers(copy, [first], NOW), 2);
      copies.push(copy);
    }
    const store = await newBatch(t, items('one'), { settings: { ...settings, completions: 6 } });
    assert.equal(await reuseAnswers(store, [...copies, first], NOW), 2);
  });

  test('under another number there, and back again', async (t) => {
    const first = await earlierBatch(t, 'a', items('one', 'one'), { samples: 1 });
    const copy = await makeBatch(t, items('one'), { batch_id: 'b' });
    assert.equal(await reuseAnswers(copy, [first], NOW), 2);
    const store = await newBatch(t, items('one'), { settings: { ...settings, completions: 4 } });
    assert.equal(await reuseAnswers(store, [copy], NOW), 2);
    assert.equal(await reuseAnswers(store, [first], NOW), 0);
  });

  test('its own answers do not come back to it', async (t) => {
    const store = await earlierBatch(t, 'a', items('one', 'one'), { samples: 1 });
    const copy = await makeBatch(t, items('one'), { batch_id: 'b' });
    assert.equal(await reuseAnswers(copy, [store], NOW), 2);
    const { writer } = await store.openShard(0);
    await writer.append({ ...settled('again', { index: 1 }), type: 'reopened' } as never, { durable: true });
    assert.deepEqual(await missingOf(store), [[2], [2]]);
    assert.equal(await reuseAnswers(store, [copy], NOW), 0);
  });
});

test('a sample that retry has opened again never takes the answer that failed', async (t) => {
  const failed = await earlierBatch(t, 'a', items('one'), { samples: 1, finishReason: 'length' });
  const taker = await makeBatch(t, items('one'), { batch_id: 'b' });
  assert.equal(await reuseAnswers(taker, [failed], NOW), 1);
  const retried = await makeBatch(t, items('one'), {
    batch_id: 'c',
    limits: { ...limits, rejectTruncated: false },
  });
  assert.equal(await reuseAnswers(retried, [failed], NOW), 1);
  const { writer } = await retried.openShard(0);
  await writer.append(settled('end', { index: 0, status: 'failed', answers: [] }), { durable: true });
  await writer.append({ ...settled('open again', { index: 0, run: 2 }), type: 'reopened' } as never, {
    durable: true,
  });
  const again = new BatchStore(retried.location, 'c', 'another process');
  t.after(() => again.close());
  assert.equal(await reuseAnswers(again, [taker, failed], NOW), 0);
});

test('simulated answers are not taken for real ones, nor real ones for simulated', async (t) => {
  const simulated = { ...settings, provider: 'simulated' as const, baseUrl: '', model: settings.model };
  const made = await earlierBatch(t, 'a', items('one'), { settings: simulated });
  const real = await earlierBatch(t, 'b', items('one'));
  assert.equal(await reuseAnswers(await newBatch(t, items('one')), [made], NOW), 0);
  const store = await makeBatch(t, items('one'), { batch_id: 'c', settings: simulated });
  assert.equal(await reuseAnswers(store, [real], NOW), 0);
  assert.equal(await reuseAnswers(store, [made], NOW), 2);
});

test('only answers that are young enough, by when they were given first', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one'));
  const copy = await makeBatch(t, items('one'), { batch_id: 'b' });
  assert.equal(await reuseAnswers(copy, [earlier], NOW), 2);
  const { at } = answer('any', {});
  const store = await newBatch(t, items('one'));
  assert.equal(await reuseAnswers(store, [copy], NOW, { answeredSince: Date.parse(at) + 1 }), 0);
  assert.equal(await reuseAnswers(store, [copy], NOW, { answeredSince: Date.parse(at) }), 2);
});

test('complete answers to a smaller token limit are taken where that is wanted, after all others', async (t) => {
  const small = await earlierBatch(t, 'small', items('one'), { settings: { ...settings, maxTokens: 100 } });
  const cut = await earlierBatch(t, 'cut', items('one'), {
    settings: { ...settings, maxTokens: 100 },
    finishReason: 'length',
  });
  const same = await earlierBatch(t, 'same', items('one'), { samples: 1 });
  const plain = await newBatch(t, items('one'));
  assert.equal(await reuseAnswers(plain, [small, cut], NOW), 0);
  const store = await makeBatch(t, items('one'), { batch_id: 'b' });
  assert.equal(await reuseAnswers(store, [cut, small, same], NOW, { longer: true }), 2);
  assert.deepEqual(await textsOf(store), [['same 1.1', 'small 1.1']]);
});

describe('an answer that was bought with a smaller token limit', () => {
  const withLimit = (maxTokens: number) => ({ settings: { ...settings, maxTokens } });
  const longer = { folder: true, since_ms: null, longer: true };

  /** Batches of one folder: `small` has bought two answers, and `copy` has taken them over with `--reuse-longer`. */
  async function copied(t: TestContext) {
    const small = await earlierBatch(t, 'small', items('one'), withLimit(100));
    const copy = await batchBeside(small, 'copy', items('one'), { ...withLimit(200), reuse_policy: longer });
    t.after(() => copy.close());
    assert.equal(await reuseAnswers(copy, 'folder', NOW, { longer: true }), 2);
    const beside = async (id: string, maxTokens: number): Promise<BatchStore> => {
      const store = await batchBeside(small, id, items('one'), withLimit(maxTokens));
      t.after(() => store.close());
      return store;
    };
    return { small, copy, beside };
  }

  for (const [maxTokens, isLonger, taken] of [
    [100, false, 2],
    [150, false, 0],
    [200, false, 0],
    [300, false, 0],
    [50, true, 0],
    [100, true, 2],
    [150, true, 2],
    [200, true, 2],
    [300, true, 2],
  ] as const) {
    const flag = isLonger ? ' with --reuse-longer' : '';
    test(`bought with 100, copied by a batch of 200: one of ${maxTokens}${flag} takes ${taken}`, async (t) => {
      const { copy, beside } = await copied(t);
      const store = await beside('third', maxTokens);
      assert.equal(await reuseAnswers(store, [copy], NOW, { longer: isLonger }), taken);
    });
  }

  test('is still one at fourth hand, from another folder too', async (t) => {
    const { copy, beside } = await copied(t);
    const third = await makeBatch(t, items('one'), { batch_id: 'third', ...withLimit(200) });
    assert.equal(await reuseAnswers(third, [copy], NOW, { longer: true }), 2);
    assert.equal(await reuseAnswers(await beside('fourth', 200), [third], NOW), 0);
  });

  for (const [what, dropped, plain] of [
    ['without its limit', ['maxTokens'], 0],
    ['by version 0.1.0, which knew no longer answers', ['maxTokens', 'at', 'sample'], 2],
  ] as const) {
    test(`was noted ${what}: ${plain} are taken, and 2 with --reuse-longer`, async (t) => {
      const { copy, beside } = await copied(t);
      await copy.close();
      const ledger = join(copy.folder, 'ledger', '00000');
      for (const name of (await readdir(ledger)).filter((each) => each.endsWith('.jsonl'))) {
        const records = (await readFile(join(ledger, name), 'utf8')).trim().split('\n');
        const before = records.map((line) => {
          const record = JSON.parse(line) as { reused: Record<string, unknown> };
          for (const field of dropped) delete record.reused[field];
          return `${JSON.stringify(record)}\n`;
        });
        await writeFile(join(ledger, name), before.join(''));
      }
      assert.equal(await reuseAnswers(await beside('third', 200), [copy], NOW), plain);
      const fourth = await beside('fourth', 200);
      assert.equal(await reuseAnswers(fourth, [copy], NOW, { longer: true }), 2);
      // What is not known of the copy is not known of its copies.
      assert.equal(await reuseAnswers(await beside('fifth', 200), [fourth], NOW), plain);
    });
  }

  test('is not given twice: once to a prompt that is over, and to one with the small limit', async (t) => {
    const small = await earlierBatch(t, 'small', items('one'), { ...withLimit(100), samples: 1 });
    const [first] = items('one');
    const store = await batchBeside(
      small,
      'new',
      [first!, { ...first!, prompt_id: 'p2', max_tokens: 100, completions: 1 }],
      { settings: { ...settings, maxTokens: 200, completions: 1 }, shardSize: 1 },
    );
    t.after(() => store.close());
    await store.withShard(0, async ({ writer }) => {
      const reused = { batchId: 'small', answer: 'small-0-1', usage: null, costNanoUsd: 1000, sample: 1 };
      const at = NOW.toISOString();
      await writer.append(answer('copy', { reused: { ...reused, at, maxTokens: 100 } }), { durable: false });
      await writer.append(settled('end', { answers: ['copy'] }), { durable: true });
    });
    assert.equal(await reuseAnswers(store, 'folder', NOW, { longer: true }), 0);
  });
});
