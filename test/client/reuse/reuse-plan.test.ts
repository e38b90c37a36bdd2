import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { stagePrompts } from '../../../src/client/start/stage-prompts.ts';
import { loadConfig } from '../../../src/config.ts';
import { readBatchPrompts } from '../../../src/store/ledger/batch-reading.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import { LENIENT } from '../../../src/store/ledger/prompt-state.ts';
import { copyPlanned } from '../../../src/store/reuse/reuse-plan.ts';
import { answer, settled } from '../../store/support/records.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';
import {
  batchBeside,
  buy,
  copyAll,
  earlierBatch,
  items,
  missingOf,
  newBatch,
  NOW,
  planAnswers,
  textsOf,
} from '../support/reuse-batches.ts';

/** A batch `new` of these texts, one prompt a shard, beside a batch `a` that has two answers to `one` and to `two`. */
async function twoBatches(t: TestContext, ...texts: string[]) {
  const a = await earlierBatch(t, 'a', items('one', 'two'));
  const store = await batchBeside(a, 'new', items(...texts), { shardSize: 1 });
  t.after(() => store.close());
  return { a, store };
}

/** As another process, or another command, sees it. */
const seenAnew = ({ location, batchId }: BatchStore): BatchStore =>
  new BatchStore(location, batchId, 'another process');

test('answers are copied shard by shard, when each is opened', async (t) => {
  const { store } = await twoBatches(t, 'two', 'three', 'one');
  assert.equal(await planAnswers(store, 'folder'), 4);
  assert.deepEqual(await textsOf(store), [[], [], []]);
  assert.equal(await copyPlanned(store, 2, LENIENT, NOW), null);
  assert.deepEqual(await textsOf(store), [[], [], ['a 1.1', 'a 1.2']]);
  await copyAll(store);
  assert.deepEqual(await textsOf(store), [['a 2.1', 'a 2.2'], [], ['a 1.1', 'a 1.2']]);
});

test('two workers copy the same shard: each answer counts once', async (t) => {
  const { store } = await twoBatches(t, 'one');
  await planAnswers(store, 'folder');
  const other = seenAnew(store);
  t.after(() => other.close());
  await Promise.all([copyAll(store), copyAll(other)]);
  await copyAll(store);
  for await (const { history } of readBatchPrompts(seenAnew(store)))
    assert.deepEqual(history.answers.map(({ id }) => id).toSorted(), [
      'reused-a-0-1-1-0-1',
      'reused-a-0-2-2-0-2',
    ]);
});

test('a command that was killed after its plan: the next one plans nothing twice', async (t) => {
  const { store } = await twoBatches(t, 'one', 'one');
  assert.equal(await planAnswers(store, 'folder'), 2);
  assert.equal(await planAnswers(seenAnew(store), 'folder'), 0);
  await copyAll(store);
  assert.deepEqual(await missingOf(store), [[], [1, 2]]);
  assert.deepEqual(await readdir(join(store.folder, 'reuse')), ['000001']);
});

test('what is planned is not looked for again in a batch that came later', async (t) => {
  const { a, store } = await twoBatches(t, 'one');
  assert.equal(await planAnswers(store, 'folder'), 2);
  const b = await batchBeside(a, 'b', items('one'));
  await buy(b, 'b', 1);
  await b.close();
  assert.equal(await planAnswers(seenAnew(store), 'folder'), 0);
  await copyAll(store);
  assert.deepEqual(await textsOf(store), [['a 1.1', 'a 1.2']]);
});

test('two commands that plan at the same moment give no answer twice', async (t) => {
  const { store } = await twoBatches(t, 'one', 'two', 'one', 'two');
  const planned = await Promise.all([planAnswers(store, 'folder'), planAnswers(seenAnew(store), 'folder')]);
  assert.deepEqual(planned.toSorted(), [0, 4]);
  await copyAll(store);
  assert.deepEqual(await missingOf(store), [[], [], [1, 2], [1, 2]]);
});

test('answers whose batch is gone are left to be bought, or taken from another one', async (t) => {
  const { a, store } = await twoBatches(t, 'one', 'two');
  assert.equal(await planAnswers(store, 'folder'), 4);
  await copyPlanned(store, 0, LENIENT, NOW);
  await rm(a.folder, { recursive: true });
  const [first, second] = await copyAll(store);
  assert.equal(first, null);
  assert.deepEqual([second?.completions, second?.batchIds], [2, ['a']]);
  assert.match(second!.reason, /ENOENT/);
  assert.deepEqual(await missingOf(store), [[], [1, 2]]);

  const b = await batchBeside(a, 'b', items('two'));
  await buy(b, 'b', 1);
  await b.close();
  assert.equal(await planAnswers(store, 'folder'), 2);
  assert.deepEqual(await copyAll(store), [null, null]);
  assert.deepEqual(await textsOf(store), [
    ['a 1.1', 'a 1.2'],
    ['b 1.1', 'b 1.2'],
  ]);
});

test('an answer that was planned is given to no other prompt, though its batch was away meanwhile', async (t) => {
  const { a, store } = await twoBatches(t, 'one', 'one');
  await planAnswers(store, 'folder');
  const away = join(a.location.outputDir, '..', `away-${process.pid}`);
  await rename(a.folder, away);
  assert.equal(await planAnswers(seenAnew(store), 'folder'), 0);
  await rename(away, a.folder);
  assert.equal(await planAnswers(seenAnew(store), 'folder'), 0);
  await copyAll(store);
  assert.deepEqual(await missingOf(store), [[], [1, 2]]);
});

test('a sample that was bought meanwhile is not copied', async (t) => {
  const { store } = await twoBatches(t, 'one');
  await planAnswers(store, 'folder');
  const choices = [{ sample: 2, text: 'bought', finishReason: 'stop' }];
  await store.withShard(0, ({ writer }) => writer.append(answer('bought', { choices }), { durable: true }));
  await copyAll(store);
  assert.deepEqual(await textsOf(store), [['a 1.1', 'bought']]);
  for await (const { history } of readBatchPrompts(seenAnew(store))) assert.equal(history.answers.length, 2);
});

const cutOff = { sample: 1, text: 'cut', finishReason: 'length' };
const blank = { sample: 1, text: ' ', finishReason: 'stop' };

for (const [what, choices, limits, isFailed] of [
  ['retry of a prompt that failed because it was cut off', [cutOff], { rejectTruncated: true }, true],
  ['retry of a prompt that failed without text', [blank], {}, true],
  ['retry of a prompt that failed without text, again and again', [blank], { retryEmpty: true }, true],
  ['resume with --reject-truncated of a prompt that was cut off', [cutOff], { rejectTruncated: true }, false],
  [
    'resume with --reject-truncated of one cut off and one complete sample',
    [cutOff, { ...cutOff, sample: 2, text: 'good', finishReason: 'stop' }],
    { rejectTruncated: true },
    false,
  ],
] as const) {
  test(`${what} takes the answers it lacks from another batch`, async (t) => {
    const { a, store: other } = await twoBatches(t, 'two');
    await other.close();
    const store = await batchBeside(a, 'b', items('one'), {
      limits: { ...manifestOf(1).limits, ...limits },
    });
    t.after(() => store.close());
    await store.withShard(0, async ({ writer }) => {
      for (const choice of choices)
        await writer.append(answer(`own ${choice.sample}`, { choices: [choice] }), { durable: true });
      if (!isFailed) return;
      await writer.append(settled('end', { status: 'failed', answers: [] }), { durable: true });
      const reopened = { ...settled('again', { run: 2, turn: 0, attempt: 0 }), type: 'reopened' } as never;
      await writer.append(reopened, { durable: true });
    });
    const isThere = choices.length > 1;
    assert.equal(await planAnswers(store, 'folder'), isThere ? 1 : 2);
    await copyAll(store);
    assert.deepEqual(await textsOf(store), [['a 1.1', isThere ? 'good' : 'a 1.2']]);
    assert.equal(await planAnswers(seenAnew(store), 'folder'), 0);
  });
}

test('a sample that is there cut off is not taken again where such answers are good enough', async (t) => {
  const { store } = await twoBatches(t, 'one');
  await store.withShard(0, ({ writer }) =>
    writer.append(answer('own', { choices: [cutOff] }), { durable: true }),
  );
  assert.equal(await planAnswers(store, 'folder'), 1);
  await copyAll(store);
  assert.deepEqual(await textsOf(store), [['cut', 'a 1.1']]);
});

test('a cut off answer that was planned is not copied once such answers are rejected', async (t) => {
  const a = await earlierBatch(t, 'a', items('one'), { finishReason: 'length' });
  const store = await batchBeside(a, 'new', items('one'));
  t.after(() => store.close());
  assert.equal(await planAnswers(store, 'folder'), 2);
  await store.updateManifest((manifest) => ({
    ...manifest,
    limits: { ...manifest.limits, rejectTruncated: true },
  }));
  assert.deepEqual(await copyAll(store), [null]);
  assert.deepEqual(await textsOf(store), [[]]);
});

for (const [what, change] of [
  ['lacks a line', (text: string) => text.slice(text.indexOf('\n') + 1)],
  ['has other records in the same places', (text: string) => text.replaceAll('"id":"a-0-', '"id":"a-9-')],
] as const) {
  test(`a ledger that ${what} yields no other answer`, async (t) => {
    const { a, store } = await twoBatches(t, 'one');
    await planAnswers(store, 'folder');
    const ledger = join(a.folder, 'ledger', '00000');
    for (const name of (await readdir(ledger)).filter((file) => file.endsWith('.jsonl')))
      await writeFile(join(ledger, name), change(await readFile(join(ledger, name), 'utf8')));
    const [lost] = await copyAll(store);
    assert.equal(lost?.completions, 2);
    assert.deepEqual(await missingOf(store), [[1, 2]]);
  });
}

test('answers of another folder are copied at once, as a worker may not reach it', async (t) => {
  const earlier = await earlierBatch(t, 'a', items('one'));
  const store = await newBatch(t, items('one'));
  assert.equal(await planAnswers(store, [earlier]), 2);
  assert.deepEqual(await textsOf(store), [['a 1.1', 'a 1.2']]);
  assert.ok(!(await readdir(store.folder)).includes('reuse'));
});

test('added prompts get no answer that is planned for another one', async (t) => {
  const { store } = await twoBatches(t, 'one');
  await planAnswers(store, 'folder');
  const file = join(store.location.outputDir, 'more.json');
  const more = ['one', 'two'].map((prompt, at) => ({ prompt_id: `more ${at}`, prompt }));
  await writeFile(file, JSON.stringify(more));
  const config = loadConfig({ DURABATCH_HOME: join(store.location.outputDir, '.home') }, store.folder);
  const { taken } = await stagePrompts(config, store, file, () => {});
  assert.equal(taken.completions, 2);
});

for (const [what, text] of [
  ['no JSON', '{"format":1}\n[0,\n'],
  ['another format', '{"format":2}\n'],
  ['a row of another form', '{"format":1}\n[0,1]\n'],
] as const) {
  test(`a plan that is damaged (${what}) is an error that names its file`, async (t) => {
    const { store } = await twoBatches(t, 'one');
    await planAnswers(store, 'folder');
    const file = join(store.folder, 'reuse', '000001', '00000.jsonl');
    await writeFile(file, text);
    await assert.rejects(copyPlanned(store, 0, LENIENT, NOW), (error: Error) => {
      assert.equal(error.name, 'StoreError');
      assert.ok(error.message.startsWith(`${file} cannot be read`), error.message);
      return true;
    });
  });
}
