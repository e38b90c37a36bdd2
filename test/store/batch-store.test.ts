import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { PromptItem } from '../../src/core/prompt.ts';
import { BatchDraft } from '../../src/store/batch-draft.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import {
  findBatch,
  findOutputFolder,
  holdsBatch,
  listBatches,
  openOutputFolder,
} from '../../src/store/output-folder.ts';
import { replaceFile } from '../../src/system/files/replace-file.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { manifestOf } from '../report/support/report-fixtures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { makeBatch } from './support/batches.ts';
import { putInTheWay } from './support/put-in-the-way.ts';
import { answer } from './support/records.ts';

const notOnWindows = { skip: process.platform === 'win32' && 'needs links of POSIX' };

const itemsOf = (...texts: string[]): PromptItem[] =>
  texts.map((prompt, i) => ({ prompt_id: `p${i}`, prompt }));

const readPrompt = (store: BatchStore, shard: number, index: number): Promise<PromptItem> =>
  store.withShard(shard, (open) => open.prompt(index));

async function readAllPrompts(store: BatchStore): Promise<{ index: number; item: PromptItem }[]> {
  const { shards } = await store.manifest();
  const all: { index: number; item: PromptItem }[] = [];
  for (let number = 0; number < shards; number++) {
    await store.withShard(number, async (shard) => {
      for await (const one of shard.prompts()) all.push(one);
    });
  }
  return all;
}

// ---------------------------------------------------------------- output folder

test('an output folder keeps its UUID, and is made with its parents', async (t) => {
  const folder = join(await temporaryFolder(t), 'a', 'b');
  const first = await openOutputFolder(folder);
  assert.match(first.uuid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(await openOutputFolder(folder), first);
  assert.deepEqual(await findOutputFolder(folder), first);
  assert.deepEqual(await readdir(folder), ['.durabatch-store']);
});

test('opened many times at once, a new folder gets one UUID', async (t) => {
  const folder = join(await temporaryFolder(t), 'new');
  const opened = await Promise.all(Array.from({ length: 20 }, () => openOutputFolder(folder)));
  assert.equal(new Set(opened.map(({ uuid }) => uuid)).size, 1);
  assert.deepEqual(await readdir(folder), ['.durabatch-store']);
});

test('processes that open one new folder at once get one UUID', async (t) => {
  const folder = join(await temporaryFolder(t), 'new');
  const program = fileURLToPath(new URL('support/open-in-child.ts', import.meta.url));
  const children = Array.from({ length: 3 }, () => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => child.kill());
    return {
      child,
      exited: once(child, 'exit'),
      lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    };
  });
  for (const { lines } of children) assert.equal((await lines.next()).value, 'ready');
  for (const { child } of children) child.stdin.write('go\n');
  const uuids = await Promise.all(children.map(async ({ lines }) => String((await lines.next()).value)));
  await Promise.all(children.map(({ exited }) => exited));
  assert.deepEqual(
    uuids,
    Array.from(uuids, () => uuids[0]),
  );
  assert.equal((await findOutputFolder(folder)).uuid, uuids[0]);
});

test('a folder that cannot be written to is named, with what to do', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  await assert.rejects(openOutputFolder(join(file, 'sub')), (error: Error) => {
    assert.ok(error instanceof StoreError);
    assert.ok(error.message.startsWith(`cannot write to the output folder ${join(file, 'sub')}: `));
    assert.match(error.message, /--output-dir/);
    return true;
  });
});

test('a folder that is no output folder, or one with a broken mark, is refused by name', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(findOutputFolder(folder), (error: Error) => {
    assert.ok(error instanceof StoreError);
    assert.ok(error.message.startsWith(`${folder} is not an output folder of durabatch`));
    return true;
  });
  await writeFile(join(folder, '.durabatch-store'), 'hello');
  await assert.rejects(openOutputFolder(folder), /expected a UUID, got "hello"/);
});

test('batches that were moved without the hidden file bring the UUID along', async (t) => {
  const store = await makeBatch(t, itemsOf('a'), {});
  const moved = await temporaryFolder(t);
  await rename(store.folder, join(moved, store.batchId));
  await mkdir(join(moved, 'damaged'));
  await writeFile(join(moved, 'damaged', 'batch.json'), '{');
  const { uuid } = store.location;
  assert.equal((await findOutputFolder(moved)).uuid, uuid);
  assert.equal((await openOutputFolder(moved)).uuid, uuid);
  await rm(join(moved, store.batchId), { recursive: true });
  assert.equal((await findOutputFolder(moved)).uuid, uuid, 'it is the folder’s own now');
});

// ---------------------------------------------------------------- list and find

test('batches are found whatever the case of the id, and nothing else is one', async (t) => {
  const store = await makeBatch(t, itemsOf('a'), { batch_id: 'Sample-1' });
  const folder = store.location.outputDir;
  await mkdir(join(folder, 'no-manifest'));
  await mkdir(join(folder, 'manifest-is-a-folder', 'batch.json'), { recursive: true });
  await BatchDraft.open(store.location, 10);
  await writeFile(join(folder, 'batch_results_20260101_000000.json'), '{}');
  assert.deepEqual(await listBatches(folder), ['Sample-1']);
  for (const id of ['Sample-1', 'sample-1', 'SAMPLE-1'])
    assert.equal(await findBatch(folder, id), 'Sample-1');
  assert.equal(await findBatch(folder, 'sample'), null);
  assert.deepEqual(await listBatches(join(folder, 'missing')), []);
});

test('an id that is no name of a folder leads to no batch, not even to one that is there', async (t) => {
  const { location } = await makeBatch(t, itemsOf('a'), { batch_id: 'b' });
  const back = `../${basename(location.outputDir)}`;
  await mkdir(join(location.outputDir, '.draft-1'));
  await cp(join(location.outputDir, 'b'), join(location.outputDir, '.draft-1'), { recursive: true });
  const ids = [`${back}/b`, `b/../b`, `b/../${back}/b`, './b', 'b/', 'b/.', '.draft-1', '..', '.', '', 'b\0'];
  for (const id of ids) {
    assert.throws(() => new BatchStore(location, id, 'w'), StoreError, id);
    assert.equal(await holdsBatch(location.outputDir, id), false, id);
    assert.equal(await findBatch(location.outputDir, id), null, id);
  }
});

for (const name of ['prompts', 'ledger', join('ledger', '00001')]) {
  test(
    `a link that comes while a batch is open is seen when a shard is opened: ${name}`,
    notOnWindows,
    async (t) => {
      const store = await makeBatch(t, itemsOf('a', 'b'), { shardSize: 1 });
      await store.withShard(0, ({ writer }) => writer.append(answer('a1'), { durable: true }));
      const outside = join(store.location.outputDir, 'outside');
      await mkdir(outside);
      await rm(join(store.folder, name), { recursive: true, force: true });
      await symlink(outside, join(store.folder, name));
      await assert.rejects(store.openShard(1), (error: Error) => {
        assert.ok(error instanceof StoreError);
        return error.message.startsWith(`${join(store.folder, name)} is a link`);
      });
      assert.deepEqual(await readdir(outside), []);
    },
  );
}

// ---------------------------------------------------------------- draft

test('a draft that nobody has written to for a day is removed with the next one', async (t) => {
  const location = await openOutputFolder(await temporaryFolder(t));
  for (const [name, hours] of [
    ['.draft-killed', 25],
    ['.draft-slow', 23],
  ] as const) {
    const prompts = join(location.outputDir, name, 'prompts');
    await mkdir(prompts, { recursive: true });
    const at = new Date(Date.now() - hours * 3_600_000);
    await utimes(prompts, at, at);
  }
  const draft = await BatchDraft.open(location, 2);
  t.after(() => draft.discard());
  const names = await readdir(location.outputDir);
  assert.deepEqual([names.includes('.draft-killed'), names.includes('.draft-slow')], [false, true]);
});

test('a draft becomes the batch whole, under the id it gets last', async (t) => {
  const location = await openOutputFolder(await temporaryFolder(t));
  const draft = await BatchDraft.open(location, 2);
  for (const item of itemsOf('a', 'b', 'c')) await draft.add(item);
  assert.deepEqual([draft.prompts, draft.shards], [3, 2]);
  assert.deepEqual(await listBatches(location.outputDir), []);
  const manifest = manifestOf(3, { batch_id: 'b', shard_size: 2, shards: 2 });
  assert.equal(await draft.commit(manifest), true);
  assert.deepEqual((await readdir(location.outputDir)).sort(), ['.durabatch-store', 'b']);
  assert.deepEqual((await readdir(join(location.outputDir, 'b'))).sort(), [
    'batch.json',
    'ledger',
    'prompts',
    'revisions',
  ]);
  assert.deepEqual(await new BatchStore(location, 'b', 'w').readManifest(), { ...manifest, revision: 1 });
});

test('of two drafts with one id the first becomes the batch, the other can still be read and discarded', async (t) => {
  const location = await openOutputFolder(await temporaryFolder(t));
  const drafts = await Promise.all([BatchDraft.open(location, 500), BatchDraft.open(location, 500)]);
  const results = await Promise.all(
    drafts.map(async (draft, i) => {
      await draft.add({ prompt_id: `of draft ${i}`, prompt: 'x' });
      return draft.commit(manifestOf(1, { batch_id: 'b' }));
    }),
  );
  assert.deepEqual(new Set(results), new Set([true, false]));
  const late = results.indexOf(false);
  for await (const { item } of drafts[late]!.items()) assert.equal(item.prompt_id, `of draft ${late}`);
  await drafts[late]!.discard();
  assert.deepEqual((await readdir(location.outputDir)).sort(), ['.durabatch-store', 'b']);
  const [prompt] = await readAllPrompts(new BatchStore(location, 'b', 'w'));
  assert.equal(prompt!.item.prompt_id, `of draft ${results.indexOf(true)}`);
});

test('a discarded draft leaves nothing, whenever that is', async (t) => {
  const location = await openOutputFolder(await temporaryFolder(t));
  const draft = await BatchDraft.open(location, 500);
  await draft.add({ prompt_id: 'a', prompt: 'a' });
  await draft.discard();
  await draft.discard();
  assert.deepEqual(await readdir(location.outputDir), ['.durabatch-store']);
});

// ---------------------------------------------------------------- prompts

test('prompts come back as they went in, one by one and all together', async (t) => {
  const hostile = [
    '\r',
    '\n',
    '\r\n',
    '\u2028',
    '\u2029',
    '\u0085',
    '\v\f',
    '\0',
    '😀',
    '\ud83d',
    '\ufeff',
    '"\\',
  ];
  const items: PromptItem[] = [
    ...itemsOf(...hostile.map((text) => `a${text}b`), hostile.join('')),
    { prompt_id: 'messages', messages: [{ role: 'user', content: 'a\u2028b' }], completions: 4 },
    { prompt_id: 'huge', prompt: 'é'.repeat(1 << 20) },
    { prompt_id: 'fields', prompt: 'x', fields: { deep: [{ '\u2029': null }] } },
  ];
  const store = await makeBatch(t, items, { shardSize: 4 });
  assert.deepEqual(
    await readAllPrompts(store),
    items.map((item, index) => ({ index, item })),
  );
  const fresh = new BatchStore(store.location, store.batchId, 'other');
  t.after(() => fresh.close());
  for (const [index, item] of items.entries()) {
    assert.deepEqual(await readPrompt(fresh, Math.floor(index / 4), index), item);
  }
});

test('any prompts come back as they went in, whatever the size of a shard', async (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 30 });
  const anyItem = fc.record({ prompt_id: text, prompt: text }, { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyItem, { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 4 }),
      async (items, shardSize) => {
        const store = await makeBatch(t, items, { shardSize });
        assert.deepEqual(
          await readAllPrompts(store),
          items.map((item, index) => ({ index, item })),
        );
        for (const [index, item] of items.entries()) {
          assert.deepEqual(await readPrompt(store, Math.floor(index / shardSize), index), item);
        }
      },
    ),
    { numRuns: 25 },
  );
});

test('a prompt that is not there is an error that names the file', async (t) => {
  const store = await makeBatch(t, itemsOf('a', 'b'));
  await assert.rejects(readPrompt(store, 0, 2), /00000\.jsonl has no prompt 2$/);
  await rm(join(store.folder, 'prompts'), { recursive: true });
  await assert.rejects(readPrompt(new BatchStore(store.location, store.batchId, 'w'), 0, 0), {
    code: 'ENOENT',
  });
});

// ---------------------------------------------------------------- manifest

test('the manifest is replaced whole: a reader sees the old one or the new one', async (t) => {
  const store = await makeBatch(t, itemsOf('a'));
  const reader = new BatchStore(store.location, store.batchId, 'reader');
  const state = { over: false };
  const reading = (async () => {
    let reads = 0;
    for (; !state.over; reads++) {
      const { description, metadata } = await reader.readManifest();
      if (description !== null) assert.equal((metadata['text'] as string)[0], description);
    }
    return reads;
  })();
  for (let i = 0; i < 20; i++) {
    const letter = String.fromCodePoint(97 + i);
    const metadata = { text: letter.repeat(200_000) };
    await store.updateManifest((manifest) => ({ ...manifest, description: letter, metadata }));
  }
  state.over = true;
  assert.ok((await reading) > 0);
  assert.equal((await store.manifest()).description, 't');
  assert.deepEqual((await readdir(store.folder)).sort(), ['batch.json', 'ledger', 'prompts', 'revisions']);
});

test('a change that fails leaves the manifest as it was, and nothing beside it', async (t) => {
  const store = await makeBatch(t, itemsOf('a'));
  const before = await readFile(join(store.folder, 'batch.json'), 'utf8');
  await assert.rejects(
    store.updateManifest(() => {
      throw new Error('no');
    }),
    /no/,
  );
  await mkdir(join(store.folder, 'in-the-way', 'x'), { recursive: true });
  await assert.rejects(replaceFile(join(store.folder, 'in-the-way'), 'text'));
  assert.equal(await readFile(join(store.folder, 'batch.json'), 'utf8'), before);
  assert.deepEqual((await readdir(store.folder)).sort(), [
    'batch.json',
    'in-the-way',
    'ledger',
    'prompts',
    'revisions',
  ]);
  assert.deepEqual(await readdir(join(store.folder, 'revisions')), ['000001.json']);
});

test('a missing batch and a foreign manifest are told apart, by name', async (t) => {
  const store = await makeBatch(t, itemsOf('a'));
  await assert.rejects(new BatchStore(store.location, 'other', 'w').manifest(), (error: Error) => {
    assert.ok(error instanceof StoreError);
    assert.ok(error.message.startsWith(`there is no batch other in ${store.location.outputDir}: `));
    return true;
  });
  const file = join(store.folder, 'batch.json');
  await rm(join(store.folder, 'revisions'), { recursive: true });
  for (const text of ['{', '[]', '{"format": 2}']) {
    await writeFile(file, text);
    await assert.rejects(store.readManifest(), (error: Error) => {
      assert.ok(error instanceof StoreError);
      assert.ok(error.message.startsWith(`${file} is not a batch manifest: `));
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }
});

// ---------------------------------------------------------------- ledger

test('each shard has a ledger of its own that takes its own prompts only', async (t) => {
  const store = await makeBatch(t, itemsOf('a', 'b', 'c'), { shardSize: 2 });
  const [first, second] = [await store.openShard(0), await store.openShard(1)];
  assert.equal(await store.openShard(0), first);
  await first.writer.append(answer('a', { index: 1 }), { durable: true });
  await second.writer.append(answer('b', { index: 2 }), { durable: true });
  await Promise.all([first.reader.refresh(), second.reader.refresh()]);
  assert.equal(first.reader.history(1).answers.length, 1);
  assert.equal(second.reader.history(2).answers.length, 1);
  await second.writer.append(answer('c', { index: 3 }), { durable: true });
  await assert.rejects(second.reader.refresh(), /prompt 3 is not in this shard \(2 to 2\)/);
});

test('what no ledger could write is counted and saved over all shards', async (t) => {
  const store = await makeBatch(t, itemsOf('a', 'b'), { shardSize: 1 });
  await putInTheWay(join(store.folder, 'ledger'));
  for (const shard of [0, 1]) {
    const { writer } = await store.openShard(shard);
    await assert.rejects(writer.append(answer(`a${shard}`, { index: shard }), { durable: true }));
  }
  assert.equal(store.unsaved, 2);
  await assert.rejects(store.saveUnsaved());
  await rm(join(store.folder, 'ledger'));
  await store.saveUnsaved();
  assert.equal(store.unsaved, 0);
  for (const shard of [0, 1]) {
    const { reader } = await new BatchStore(store.location, store.batchId, 'w').openShard(shard);
    await reader.refresh();
    assert.equal(reader.history(shard).answers.length, 1);
  }
});

test('changes of the manifest that come at a time are all kept', async (t) => {
  const store = await makeBatch(t, itemsOf('a'));
  const changes = Array.from(
    { length: 10 },
    (_, n) => () =>
      store.updateManifest((manifest) => ({
        ...manifest,
        metadata: { ...manifest.metadata, [`note ${n}`]: n },
      })),
  );
  const failing = store.updateManifest(() => {
    throw new StoreError('no');
  });
  await Promise.all([assert.rejects(failing, /no/), ...changes.map((change) => change())]);
  assert.equal(
    Object.keys((await store.readManifest()).metadata).filter((name) => name.startsWith('note')).length,
    10,
  );
});
