import assert from 'node:assert/strict';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { type BatchOrder, createBatch } from '../../../src/client/start/create-batch.ts';
import { readPromptList } from '../../../src/input/read-prompt-list.ts';
import { parseRunOptions } from '../../../src/client/options/run-options.ts';
import { earlierRequests, resolveSettings } from '../../../src/client/start/request-settings.ts';
import { loadConfig } from '../../../src/config.ts';
import { cancelledOutcome } from '../../report/support/report-fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

interface Typed {
  id?: string;
  new?: boolean;
  model?: string;
  temperature?: string;
  outputDir?: string;
}

async function place(t: TestContext) {
  const folder = await temporaryFolder(t);
  const outputDir = join(folder, 'out');
  const config = loadConfig({ DURABATCH_HOME: join(folder, 'home') }, folder);
  const make = (
    file: string,
    prompts: unknown[] = ['One?', 'Two?'],
    typed: Typed = {},
    more: Partial<BatchOrder> = {},
  ) => {
    const options = parseRunOptions({ outputDir, ...typed });
    const settings = resolveSettings(options);
    return createBatch(config, {
      read: (sink) => readPromptList(prompts, sink),
      file,
      settings,
      earlier: earlierRequests(options, settings),
      outputDir: options.outputDir,
      id: options.id,
      reuse: { reuse: [], reuse_policy: options.reuse.policy },
      fresh: options.new,
      ...more,
    });
  };
  const folders = async (): Promise<string[]> =>
    (await readdir(outputDir)).filter((name) => !name.startsWith('.')).sort();
  return { folder, outputDir, make, folders };
}

describe('the same requests are the same batch', () => {
  for (const { title, prompts, typed = {} } of [
    { title: 'under another file name', prompts: ['One?', 'Two?'] },
    { title: 'as messages', prompts: [{ messages: [{ role: 'user', content: 'One?' }] }, 'Two?'] },
    {
      title: 'with settings of their own that are those of the batch',
      prompts: [{ prompt: 'One?', max_tokens: 256 }, 'Two?'],
    },
    {
      title: 'with their ids by position written out',
      prompts: [{ prompt: 'One?', id: 'prompt_0001' }, 'Two?'],
    },
    {
      title: 'under an older name of the model',
      prompts: ['One?', 'Two?'],
      typed: { model: 'deepseek-v4-flash' },
    },
    {
      title: 'with another model for the batch that no prompt uses',
      prompts: [
        { prompt: 'One?', model: 'deepseek-flash' },
        { prompt: 'Two?', model: 'deepseek-flash' },
      ],
      typed: { model: 'deepseek-v4-pro' },
    },
  ]) {
    test(title, async (t) => {
      const { make } = await place(t);
      const first = await make('first.json');
      const again = await make('other.json', prompts, typed);
      assert.deepEqual([first.created, again.created], [true, false]);
      assert.equal(again.store.batchId, first.store.batchId);
    });
  }
});

describe('other requests are another batch', () => {
  for (const { title, prompts = ['One?', 'Two?'], typed = {} } of [
    { title: 'in another order', prompts: ['Two?', 'One?'] },
    { title: 'with another temperature', typed: { temperature: '0.1' } },
    { title: 'with another model', typed: { model: 'deepseek-v4-pro' } },
    { title: 'under other ids', prompts: [{ prompt: 'One?', id: 'x' }, 'Two?'] },
    { title: 'with fields of the user', prompts: [{ prompt: 'One?', topic: 'x' }, 'Two?'] },
    { title: 'with other completions', prompts: [{ prompt: 'One?', completions: 3 }, 'Two?'] },
    { title: 'with another token limit of one prompt', prompts: [{ prompt: 'One?', max_tokens: 9 }, 'Two?'] },
  ]) {
    test(title, async (t) => {
      const { make } = await place(t);
      await make('first.json');
      assert.equal((await make('first.json', prompts, typed)).created, true);
    });
  }
});

test('two commands at once, of two names, make one batch; with --new each makes one', async (t) => {
  const { make, folders } = await place(t);
  const made = await Promise.all(['a.json', 'b.json', 'c.json', 'a.json'].map((file) => make(file)));
  assert.equal(new Set(made.map(({ store }) => store.batchId)).size, 1);
  assert.equal(made.filter(({ created }) => created).length, 1);
  assert.equal((await folders()).length, 1);
  const anew = await Promise.all(
    ['a.json', 'a.json', 'a.json'].map((file) => make(file, undefined, { new: true })),
  );
  assert.deepEqual(
    anew.map(({ created }) => created),
    [true, true, true],
  );
  assert.equal((await folders()).length, 4);
});

test('what was claimed by a command that died before its folder was there is made under that id', async (t) => {
  const { make, outputDir, folders } = await place(t);
  const { store } = await make('a.json');
  await rm(store.folder, { recursive: true });
  const again = await make('b.json');
  assert.deepEqual([again.created, again.store.batchId], [true, store.batchId]);
  assert.deepEqual(await folders(), [store.batchId]);
  // A claim that is no id is named, and nothing is made.
  const claims = join(outputDir, '.durabatch-claims');
  const [name] = await readdir(claims);
  await writeFile(join(claims, name!), '../elsewhere\n');
  await assert.rejects(make('c.json'), /expected a batch id, got "\.\.\/elsewhere"\. Remove this file/);
});

test('a batch that is named is found by its name alone, and by its requests where no name is typed', async (t) => {
  const { make, folders } = await place(t);
  await make('a.json', undefined, { id: 'mine' });
  assert.equal((await make('b.json')).store.batchId, 'mine');
  assert.equal((await make('b.json', undefined, { id: 'yours' })).created, true);
  assert.deepEqual(await folders(), ['mine', 'yours']);
  await assert.rejects(
    make('a.json', ['Other?'], { id: 'mine' }),
    /--id mine: this batch .* has other prompts/,
  );
});

test('a folder that was renamed is found by its requests', async (t) => {
  const { make, outputDir } = await place(t);
  const { store } = await make('a.json');
  await rename(store.folder, join(outputDir, 'renamed'));
  assert.equal((await make('a.json')).store.batchId, 'renamed');
});

test('of several the newest that is not over goes on, else the newest', async (t) => {
  const { make } = await place(t);
  const first = await make('a.json');
  const second = await make('a.json', undefined, { new: true });
  const chosen = async (): Promise<string> => (await make('b.json')).store.batchId;
  const finish = (batch: typeof first) =>
    batch.store.updateManifest((manifest) => ({
      ...manifest,
      runs: [{ run: 1, started_at: manifest.created_at, limits: manifest.limits, outcome: cancelledOutcome }],
    }));
  assert.equal(await chosen(), second.store.batchId);
  await finish(second);
  assert.equal(await chosen(), first.store.batchId);
  await finish(first);
  assert.equal(await chosen(), second.store.batchId);
});

test('a renamed copy for another folder goes on in the first one', async (t) => {
  const { make, folder } = await place(t);
  const { store } = await make('a.json');
  const elsewhere = await make('b.json', undefined, { outputDir: join(folder, 'elsewhere') });
  assert.deepEqual([elsewhere.created, elsewhere.store.folder], [false, store.folder]);
});

test('a batch that is refused, or lives elsewhere, leaves nothing in an output folder', async (t) => {
  const { folder, outputDir, make } = await place(t);
  const refused = { beforeCommit: () => Promise.reject(new Error('refused')) };
  await assert.rejects(make('a.json', ['One?'], {}, refused), /refused/);
  assert.deepEqual(await readdir(folder), [], 'folders that were made are removed');
  await make('a.json');
  const [other, deep] = [join(folder, 'other'), join(folder, 'new', 'deep')];
  await mkdir(other);
  for (const there of [other, deep]) {
    const again = await make('a.json', ['One?', 'Two?'], { outputDir: there });
    assert.deepEqual([again.created, again.store.location.outputDir], [false, outputDir]);
    await assert.rejects(make('a.json', ['Three?'], { outputDir: there }, refused), /refused/);
  }
  assert.deepEqual(await readdir(other), []);
  assert.deepEqual((await readdir(folder)).sort(), ['home', 'other', 'out']);
});
