import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ControlNote } from '../../src/core/progress.ts';
import type { PromptItem } from '../../src/core/prompt.ts';
import { AdditionOvertaken, stageAddition, takeInAddition } from '../../src/store/additions.ts';
import { BatchDraft } from '../../src/store/batch-draft.ts';
import { readBatchPrompts, readPromptItems } from '../../src/store/ledger/batch-reading.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import { layoutOf } from '../../src/store/manifest/manifest.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { makeBatch } from './support/batches.ts';
import { answer } from './support/records.ts';

const itemsOf = (...ids: string[]): PromptItem[] => ids.map((id) => ({ prompt_id: id, prompt: `${id}?` }));
const control: ControlNote = {
  ...{ id: 'u1', control: 'add', at: '2026-01-01T00:00:00.000Z', by: 'ann@laptop', reason: null },
};

const notOnWindows = { skip: process.platform === 'win32' && 'needs links of POSIX' };

/** A batch of three prompts in shards of two. */
const batchOfThree = (t: TestContext): Promise<BatchStore> =>
  makeBatch(t, itemsOf('a', 'b', 'c'), { shardSize: 2 });

async function stage(store: BatchStore, sha256: string, items: PromptItem[], after = 3): Promise<string> {
  const draft = await BatchDraft.open(store.location, 2);
  for (const item of items) await draft.add(item);
  return stageAddition(draft, store, {
    ...{ sha256, source: 'more.json', prompts: items.length, max_completions: 3, after },
  });
}

async function idsOf({ location, batchId }: BatchStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { item } of readPromptItems(new BatchStore(location, batchId, 'r')))
    ids.push(item.prompt_id);
  return ids;
}

test('what is added comes after all that is there, in shards of its own, and is counted', async (t) => {
  const store = await batchOfThree(t);
  const name = await stage(store, 'h1', itemsOf('d', 'e', 'f'));
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c'], 'before it is taken in nobody sees it');

  const manifest = await takeInAddition(store, { stage: name, sha256: 'h1' }, control);
  assert.deepEqual(layoutOf(manifest), { prompts: 6, shards: 4, shardSize: 2, parts: [3, 3] });
  assert.equal(manifest.max_completions, 3);
  const { at: added_at } = control;
  assert.deepEqual(manifest.additions, [
    {
      ...{ sha256: 'h1', prompts: 3, stage: name.slice('.addition-'.length), source: 'more.json' },
      ...{ added_at, by: 'ann@laptop', reason: null },
    },
  ]);
  const places: unknown[] = [];
  for await (const { shard, index, item } of readBatchPrompts(store))
    places.push([shard, index, item.prompt_id]);
  assert.deepEqual(places, [
    [0, 0, 'a'],
    [0, 1, 'b'],
    [1, 2, 'c'],
    [2, 3, 'd'],
    [2, 4, 'e'],
    [3, 5, 'f'],
  ]);
  assert.deepEqual(
    (await readdir(store.folder)).filter((entry) => entry.startsWith('.')),
    [],
  );
});

test('taken in again, also from another stage, it is not added twice', async (t) => {
  const store = await batchOfThree(t);
  const stages = [await stage(store, 'h1', itemsOf('d')), await stage(store, 'h1', itemsOf('d'))];
  for (const name of [stages[0]!, stages[0]!, stages[1]!])
    await takeInAddition(store, { stage: name, sha256: 'h1' }, control);
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c', 'd']);
  const controls = await readFile(join(store.folder, 'controls.jsonl'), 'utf8');
  assert.equal(controls.trim().split('\n').length, 1);
  assert.deepEqual(JSON.parse(controls), { ...control, prompts: 1, sha256: 'h1' });
});

test('a stage is taken in only for the prompts that it holds', async (t) => {
  const store = await batchOfThree(t);
  const first = await stage(store, 'h1', itemsOf('d'));
  const other = await stage(store, 'h2', itemsOf('e'));
  const asked = (name: string, sha256: string) => takeInAddition(store, { stage: name, sha256 }, control);
  await assert.rejects(asked(other, 'h1'), /holds other prompts/);
  await asked(first, 'h1');
  await assert.rejects(asked(other, 'h1'), /holds other prompts/);
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c', 'd']);
  assert.ok((await readdir(store.folder)).includes(other), 'the other stage still waits');
});

for (const inside of ['', 'prompts', 'ledger', join('ledger', '00000'), join('prompts', '00000.jsonl')]) {
  test(
    `a stage that is reached through a link is not taken in: ${inside || 'the stage'}`,
    notOnWindows,
    async (t) => {
      const store = await batchOfThree(t);
      await store.updateManifest((manifest) => ({ ...manifest, description: 'looked at before' }));
      const draft = await BatchDraft.open(store.location, 2);
      for (const item of itemsOf('d', 'e')) await draft.add(item);
      await draft.addAnswers(0, 'w-1.jsonl', [answer('a1', { index: 3 })]);
      const name = await stageAddition(draft, store, {
        ...{ sha256: 'h1', source: null, prompts: 2, max_completions: 1, after: 3 },
      });
      const outside = join(store.location.outputDir, 'outside');
      await rename(join(store.folder, name, inside), outside);
      await symlink(outside, join(store.folder, name, inside));
      await assert.rejects(takeInAddition(store, { stage: name, sha256: 'h1' }, control), (error: Error) => {
        assert.ok(error instanceof StoreError);
        return /is a link/.test(error.message);
      });
      await rm(join(store.folder, name), { recursive: true });
      assert.deepEqual(await idsOf(store), ['a', 'b', 'c']);
    },
  );
}

test('killed at any step of it, it is taken in whole by the next try', async (t) => {
  const store = await batchOfThree(t);
  const name = await stage(store, 'h1', itemsOf('d', 'e', 'f'));
  // One shard is in its place already, and one of an addition that came to nothing is where the other belongs.
  const staged = join(store.folder, name, 'prompts');
  const prompts = join(store.folder, 'prompts');
  await writeFile(join(prompts, '00003.jsonl'), '{"prompt_id":"foreign","prompt":"?"}\n');
  await rename(join(staged, '00000.jsonl'), join(prompts, `00002-${name.slice('.addition-'.length)}.jsonl`));
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c']);
  await takeInAddition(store, { stage: name, sha256: 'h1' }, control);
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c', 'd', 'e', 'f']);
});

test('prompts whose answers are in the ledger are not overwritten: an older batch.json is told, and nothing changes', async (t) => {
  const store = await batchOfThree(t);
  const manifestFile = join(store.folder, 'batch.json');
  const older = await readFile(manifestFile, 'utf8');
  const first = await stage(store, 'h1', itemsOf('d', 'e', 'f'));
  await takeInAddition(store, { stage: first, sha256: 'h1' }, control);
  // Of the two shards that were added the second has an answer.
  await store.withShard(3, ({ writer }) => writer.append(answer('a', { index: 5 }), { durable: true }));
  const newest = await readFile(manifestFile, 'utf8');
  await writeFile(manifestFile, older);
  await rm(join(store.folder, 'revisions'), { recursive: true });

  const restored = new BatchStore(store.location, store.batchId, 'restored');
  const second = await stage(restored, 'h2', itemsOf('g', 'h', 'i'));
  await assert.rejects(takeInAddition(restored, { stage: second, sha256: 'h2' }, control), (error: Error) => {
    assert.ok(error instanceof StoreError);
    return /batch\.json seems to be older than the batch's ledger.*00003.*Nothing was changed.*Put the newest batch\.json back/.test(
      error.message,
    );
  });
  assert.equal(await readFile(manifestFile, 'utf8'), older);
  assert.deepEqual(await readdir(join(store.folder, second, 'prompts')), ['00000.jsonl', '00001.jsonl']);
  await writeFile(manifestFile, newest);
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c', 'd', 'e', 'f']);
});

test('an addition that is overtaken after it was placed leaves those of the other as they are', async (t) => {
  const store = await batchOfThree(t);
  const [slow, fast] = [await stage(store, 'h1', itemsOf('x')), await stage(store, 'h2', itemsOf('d'))];
  // As a process that was frozen between placing its prompts and counting them.
  await rename(
    join(store.folder, slow, 'prompts', '00000.jsonl'),
    join(store.folder, 'prompts', `00002-${slow.slice('.addition-'.length)}.jsonl`),
  );
  await takeInAddition(store, { stage: fast, sha256: 'h2' }, control);
  await assert.rejects(takeInAddition(store, { stage: slow, sha256: 'h1' }, control), AdditionOvertaken);
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c', 'd']);
});

test('additions of version 0.1.0, in files named by their shard alone, are read and added to', async (t) => {
  const store = await batchOfThree(t);
  await writeFile(join(store.folder, 'prompts', '00002.jsonl'), '{"prompt_id":"old","prompt":"?"}\n');
  const { at: added_at } = control;
  const addition = { sha256: 'h0', prompts: 1, source: null, added_at, by: null, reason: null };
  await store.updateManifest((manifest) => ({ ...manifest, prompts: 4, shards: 3, additions: [addition] }));
  const name = await stage(store, 'h1', itemsOf('d', 'e', 'f'), 4);
  await takeInAddition(store, { stage: name, sha256: 'h1' }, control);
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c', 'old', 'd', 'e', 'f']);
});

for (const { what, leave } of [
  { what: 'an empty ledger folder', leave: async () => {} },
  { what: 'an empty ledger file', leave: (folder: string) => writeFile(join(folder, 'w-1.jsonl'), '') },
]) {
  test(`${what} is no sign that anybody has worked on a shard`, async (t) => {
    const store = await batchOfThree(t);
    const ledger = join(store.folder, 'ledger', '00002');
    await mkdir(ledger, { recursive: true });
    await leave(ledger);
    await takeInAddition(store, { stage: await stage(store, 'h1', itemsOf('d')), sha256: 'h1' }, control);
    assert.deepEqual(await idsOf(store), ['a', 'b', 'c', 'd']);
  });
}

test('what was checked against fewer prompts than there are by now is refused', async (t) => {
  const store = await batchOfThree(t);
  const [first, second] = [await stage(store, 'h1', itemsOf('d')), await stage(store, 'h2', itemsOf('d'))];
  await takeInAddition(store, { stage: first, sha256: 'h1' }, control);
  await assert.rejects(takeInAddition(store, { stage: second, sha256: 'h2' }, control), AdditionOvertaken);
  assert.deepEqual(await idsOf(store), ['a', 'b', 'c', 'd']);
});

for (const name of ['.addition-00000000-0000-4000-8000-000000000000', '../elsewhere', '']) {
  test(`a stage that is not there is named: ${JSON.stringify(name)}`, async (t) => {
    const store = await batchOfThree(t);
    await assert.rejects(takeInAddition(store, { stage: name, sha256: 'h1' }, control), (error: Error) => {
      assert.ok(error instanceof StoreError);
      return /the prompts to be added are not there/.test(error.message);
    });
    assert.deepEqual(await idsOf(store), ['a', 'b', 'c']);
  });
}

test('a process that knows an older manifest finds the shards that were added', async (t) => {
  const store = await batchOfThree(t);
  const other = new BatchStore(store.location, store.batchId, 'other');
  await other.manifest();
  await takeInAddition(store, { stage: await stage(store, 'h1', itemsOf('d')), sha256: 'h1' }, control);
  assert.equal((await other.withShard(2, (shard) => shard.prompt(3))).prompt_id, 'd');
});
