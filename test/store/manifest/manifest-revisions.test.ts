import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { MAX_DEPTH } from '../../../src/input/json/find-flaws.ts';
import type { PromptItem } from '../../../src/core/prompt.ts';
import { stageAddition, takeInAddition } from '../../../src/store/additions.ts';
import { BatchDraft } from '../../../src/store/batch-draft.ts';
import { readPromptItems } from '../../../src/store/ledger/batch-reading.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import type { Manifest } from '../../../src/store/manifest/manifest.ts';
import { openOutputFolder } from '../../../src/store/output-folder.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { makeBatch } from '../support/batches.ts';

const items: PromptItem[] = ['a', 'b', 'c'].map((id) => ({ prompt_id: id, prompt: `${id}?` }));
const onLinuxOnly = { skip: process.platform !== 'linux' && 'only Linux tells that a process is stopped' };

const again = (store: BatchStore): BatchStore => new BatchStore(store.location, store.batchId, 'again');
const notesOf = ({ metadata }: Manifest): string[] => Object.keys(metadata).filter((name) => name !== 'team');
const note =
  (name: string) =>
  (manifest: Manifest): Manifest => ({ ...manifest, metadata: { ...manifest.metadata, [name]: true } });
const copyOf = async ({ folder }: BatchStore): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'batch.json'), 'utf8')) as Manifest;
const revisionsOf = async ({ folder }: BatchStore): Promise<string[]> =>
  (await readdir(join(folder, 'revisions'))).sort();

interface Child {
  pid: number;
  say(line: string): void;
  next(): Promise<unknown>;
  exited: Promise<unknown>;
}

async function startChild(t: TestContext, { location, batchId }: BatchStore): Promise<Child> {
  const program = fileURLToPath(new URL('../support/revise-in-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program, location.outputDir, batchId], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => (await lines.next()).value;
  assert.equal(await next(), 'ready');
  const say = (line: string): void => void child.stdin.write(`${line}\n`);
  return { pid: child.pid!, say, next, exited: once(child, 'exit') };
}

/** Resolves once the process is stopped, or rejects with the test's own time limit. */
async function stopped(pid: number): Promise<void> {
  while (!/^State:\tT/m.test(await readFile(`/proc/${pid}/status`, 'utf8'))) await sleep(5);
}

test('each change is a revision of its own, and batch.json a copy of the newest', async (t) => {
  const store = await makeBatch(t, items);
  assert.deepEqual(await revisionsOf(store), ['000001.json']);
  for (const name of ['one', 'two']) await store.updateManifest(note(name));
  assert.deepEqual(await revisionsOf(store), ['000001.json', '000002.json', '000003.json']);
  const newest = await again(store).readManifest();
  assert.deepEqual([newest.revision, notesOf(newest)], [3, ['one', 'two']]);
  assert.deepEqual(await copyOf(store), newest);
  const first = JSON.parse(
    await readFile(join(store.folder, 'revisions', '000001.json'), 'utf8'),
  ) as Manifest;
  assert.deepEqual([first.revision, notesOf(first)], [1, []]);
});

test('a change that changes nothing makes no revision', async (t) => {
  const store = await makeBatch(t, items);
  assert.equal((await store.updateManifest((manifest) => manifest)).revision, 1);
  assert.deepEqual(await revisionsOf(store), ['000001.json']);
});

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
const unreadable: [title: string, change: (manifest: Manifest) => Manifest][] = [
  [
    'a pause by somebody with a long name',
    (manifest) => ({
      ...manifest,
      pause: { reason: 'operator', message: '', since: '2026-01-01T00:00:00Z', by: 'x'.repeat(1001) },
    }),
  ],
  ['a cap below 0', (manifest) => ({ ...manifest, limits: { ...manifest.limits, maxCostNanoUsd: -1 } })],
  [
    'a limit that is no number',
    (manifest) => ({ ...manifest, limits: { ...manifest.limits, patienceMs: NaN } }),
  ],
  ['a shard too many', (manifest) => ({ ...manifest, shards: manifest.shards + 1 })],
  ['metadata nested beyond reading', (manifest) => ({ ...manifest, metadata: { nested: nested(200) } })],
  ['a long description', (manifest) => ({ ...manifest, description: 'x'.repeat(1_000_001) })],
];
for (const [title, change] of unreadable) {
  test(`a manifest with ${title} is not written, and the batch stays as it was`, async (t) => {
    const store = await makeBatch(t, items);
    await assert.rejects(store.updateManifest(change), (error: Error) => {
      assert.ok(error instanceof StoreError);
      return /could not be read afterwards/.test(error.message);
    });
    assert.deepEqual(await revisionsOf(store), ['000001.json']);
    assert.equal((await again(store).readManifest()).revision, 1);
    assert.equal((await again(store).updateManifest(note('later'))).revision, 2);
    await assert.rejects(makeBatch(t, items, change(await store.readManifest())), StoreError);
  });
}

test('metadata may be as deeply nested as those of a prompts file', async (t) => {
  const metadata = { nested: nested(MAX_DEPTH) };
  const store = await makeBatch(t, items, { metadata });
  assert.deepEqual((await again(store).readManifest()).metadata, metadata);
});

test('changes of several processes of one batch are all kept, in any interleaving', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 24 }),
      async (writers) => {
        const store = await makeBatch(t, items.slice(0, 1));
        // A store object has a queue of its own, as a process has.
        const stores = Array.from({ length: 4 }, () => again(store));
        await Promise.all(writers.map((writer, n) => stores[writer]!.updateManifest(note(`note ${n}`))));
        const newest = await again(store).readManifest();
        assert.equal(notesOf(newest).length, writers.length);
        assert.equal(newest.revision, writers.length + 1);
        assert.deepEqual(await copyOf(store), newest);
      },
    ),
    { numRuns: 20 },
  );
});

test('two processes that change a manifest at once lose nothing', async (t) => {
  const store = await makeBatch(t, items);
  const children = await Promise.all([startChild(t, store), startChild(t, store)]);
  const changes = 25;
  for (let n = 0; n < changes; n++) for (const child of children) child.say(`add ${child.pid}-${n}`);
  for (const child of children) for (let n = 0; n < changes; n++) assert.equal(await child.next(), 'done');
  const newest = await again(store).readManifest();
  assert.equal(new Set(notesOf(newest)).size, 2 * changes);
  assert.deepEqual(await copyOf(store), newest);
});

test(
  'a process frozen between reading and writing erases no prompts that were added meanwhile',
  onLinuxOnly,
  async (t) => {
    const store = await makeBatch(t, items);
    const child = await startChild(t, store);
    child.say('freeze late');
    await stopped(child.pid);

    const draft = await BatchDraft.open(store.location, 500);
    await draft.add({ prompt_id: 'd', prompt: 'd?' });
    const stage = await stageAddition(draft, store, {
      ...{ sha256: 'h1', source: null, prompts: 1, max_completions: 1, after: 3 },
    });
    const control = {
      id: 'u1',
      control: 'add',
      at: '2026-01-01T00:00:00.000Z',
      by: null,
      reason: null,
    } as const;
    await takeInAddition(store, { stage, sha256: 'h1' }, control);
    await store.updateManifest(note('early'));

    process.kill(child.pid, 'SIGCONT');
    assert.equal(await child.next(), 'done');
    const manifest = await again(store).readManifest();
    assert.deepEqual(notesOf(manifest), ['early', 'late']);
    assert.equal(manifest.prompts, 4);
    const ids: string[] = [];
    for await (const { item } of readPromptItems(again(store))) ids.push(item.prompt_id);
    assert.deepEqual(ids, ['a', 'b', 'c', 'd']);
    assert.deepEqual(await copyOf(store), manifest);
  },
);

test('an old copy that is put in place late is never read, and the next change renews it', async (t) => {
  const store = await makeBatch(t, items);
  const old = await readFile(join(store.folder, 'batch.json'), 'utf8');
  await store.updateManifest(note('one'));
  await writeFile(join(store.folder, 'batch.json'), old);
  assert.deepEqual(notesOf(await again(store).readManifest()), ['one']);
  await store.updateManifest(note('two'));
  assert.deepEqual(notesOf(await copyOf(store)), ['one', 'two']);
});

test('a copy that a process died before is renewed by who finds nothing to change', async (t) => {
  const store = await makeBatch(t, items);
  const old = await readFile(join(store.folder, 'batch.json'), 'utf8');
  await store.updateManifest(note('one'));
  for (const damaged of [old, '{']) {
    await writeFile(join(store.folder, 'batch.json'), damaged);
    await again(store).updateManifest((manifest) => manifest);
    assert.deepEqual(await copyOf(store), await again(store).readManifest());
  }
  assert.deepEqual(await revisionsOf(store), ['000001.json', '000002.json']);
});

test('a copy that cannot be written does not undo the change', async (t) => {
  const store = await makeBatch(t, items);
  await rm(join(store.folder, 'batch.json'));
  await mkdir(join(store.folder, 'batch.json', 'in-the-way'), { recursive: true });
  await store.updateManifest(note('one'));
  assert.deepEqual(notesOf(await again(store).readManifest()), ['one']);
});

test('a batch of version 0.1.0 goes on from its batch.json', async (t) => {
  const store = await makeBatch(t, items);
  const { revision: _none, ...old } = await copyOf(store);
  await rm(join(store.folder, 'revisions'), { recursive: true });
  await writeFile(join(store.folder, 'batch.json'), JSON.stringify(old));
  assert.deepEqual(await again(store).readManifest(), { ...old, revision: 0 });
  await again(store).updateManifest(note('one'));
  assert.deepEqual(await revisionsOf(store), ['000001.json']);
  assert.deepEqual(notesOf(await again(store).readManifest()), ['one']);
});

test('a folder that was copied without its revisions goes on from its batch.json', async (t) => {
  const store = await makeBatch(t, items);
  await store.updateManifest(note('one'));
  const copy = await openOutputFolder(await temporaryFolder(t));
  await cp(store.folder, join(copy.outputDir, store.batchId), {
    recursive: true,
    filter: (path) => !path.includes('revisions'),
  });
  const copied = new BatchStore(copy, store.batchId, 'copied');
  assert.deepEqual(notesOf(await copied.readManifest()), ['one']);
  await copied.updateManifest(note('two'));
  assert.deepEqual(await revisionsOf(copied), ['000003.json']);
  assert.deepEqual(notesOf(await copied.readManifest()), ['one', 'two']);
});

test('what is no revision in the folder of revisions counts as none', async (t) => {
  const store = await makeBatch(t, items);
  const folder = join(store.folder, 'revisions');
  for (const name of ['.000009.json.1.tmp', '9.json', '000009.json.bak', 'notes.txt'])
    await writeFile(join(folder, name), '{');
  assert.equal((await again(store).readManifest()).revision, 1);
});

for (const text of ['', '{"format": 1', '[]', '\0\0\0\0']) {
  test(`a damaged newest revision is read from its copy: ${JSON.stringify(text)}`, async (t) => {
    const store = await makeBatch(t, items);
    await store.updateManifest(note('one'));
    await writeFile(join(store.folder, 'revisions', '000002.json'), text);
    assert.deepEqual(notesOf(await again(store).readManifest()), ['one']);
    await again(store).updateManifest(note('two'));
    assert.deepEqual(notesOf(await again(store).readManifest()), ['one', 'two']);
  });

  test(`a damaged newest revision without a copy is named, and nothing older is taken: ${JSON.stringify(text)}`, async (t) => {
    const store = await makeBatch(t, items);
    const older = await readFile(join(store.folder, 'batch.json'), 'utf8');
    await store.updateManifest(note('one'));
    const damaged = join(store.folder, 'revisions', '000002.json');
    await writeFile(damaged, text);
    await writeFile(join(store.folder, 'batch.json'), older);
    for (const access of [
      () => again(store).readManifest(),
      () => again(store).updateManifest(note('two')),
    ]) {
      await assert.rejects(access, (error: Error) => {
        assert.ok(error instanceof StoreError);
        assert.ok(error.message.startsWith(`${damaged} is not a batch manifest: `), error.message);
        assert.match(error.message, /put the file back from a backup/);
        return true;
      });
    }
    // What the message says.
    await rename(damaged, `${damaged}.damaged`);
    assert.deepEqual(notesOf(await again(store).readManifest()), []);
  });
}

const oversized = `[${'[],'.repeat(3 << 20)}0]`;

test('a manifest that is too large is named as damaged, and is not parsed', async (t) => {
  const store = await makeBatch(t, items);
  const copy = join(store.folder, 'batch.json');
  const revision = join(store.folder, 'revisions', '000001.json');
  const good = await readFile(copy);
  t.mock.method(JSON, 'parse', (text: string) => assert.fail(`parses ${text.length} characters`));
  await writeFile(copy, oversized);
  await writeFile(revision, oversized);
  await assert.rejects(again(store).readManifest(), (error: Error) => {
    assert.ok(error instanceof StoreError);
    assert.match(error.message, /000001\.json has \d+ bytes, and no such file has more than 8388608/);
    return true;
  });
  await rm(join(store.folder, 'revisions'), { recursive: true });
  await assert.rejects(again(store).readManifest(), /batch\.json has \d+ bytes, and no such file has more/);
  t.mock.restoreAll();
  await writeFile(copy, good);
  assert.equal((await again(store).readManifest()).prompts, items.length);
});

test('where only the newest revision is too large its copy counts', async (t) => {
  const store = await makeBatch(t, items);
  await writeFile(join(store.folder, 'revisions', '000001.json'), oversized);
  assert.equal((await again(store).readManifest()).prompts, items.length);
});

test('no manifest is written that could not be read', async (t) => {
  const store = await makeBatch(t, items);
  const metadata = { text: 'x'.repeat(9 << 20) };
  const change = (manifest: Manifest): Manifest => ({ ...manifest, metadata });
  await assert.rejects(
    store.updateManifest(change),
    /would have \d+ bytes, and at most 8388608 are possible/,
  );
  assert.deepEqual(await revisionsOf(store), ['000001.json']);
  await assert.rejects(makeBatch(t, items, { metadata }), /at most 4194304 are possible\. Shorten/);
});
