/** Batches that version 0.1.0 has made (test/fixtures), as this version finds them. */
import assert from 'node:assert/strict';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { statusOf } from '../../../src/client/observe/batch-status.ts';
import { createBatch, type CreatedBatch } from '../../../src/client/start/create-batch.ts';
import { readPromptFile } from '../../../src/input/read-prompt-file.ts';
import { parseRunOptions } from '../../../src/client/options/run-options.ts';
import { earlierRequests, resolveSettings } from '../../../src/client/start/request-settings.ts';
import { stagePrompts } from '../../../src/client/start/stage-prompts.ts';
import { reuseEarlierAnswers } from '../../../src/client/reuse/reuse-earlier-answers.ts';
import { loadConfig } from '../../../src/config.ts';
import { readBatchPrompts } from '../../../src/store/ledger/batch-reading.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import { findOutputFolder } from '../../../src/store/output-folder.ts';
import { LENIENT } from '../../../src/store/ledger/prompt-state.ts';
import { copyPlanned } from '../../../src/store/reuse/reuse-plan.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/batches-0.1.0', import.meta.url));

async function upgradedPlace(t: TestContext) {
  const folder = await temporaryFolder(t);
  const outputDir = join(folder, 'out');
  await cp(fixtures, outputDir, { recursive: true });
  const config = loadConfig({ DURABATCH_HOME: join(folder, 'home') }, folder);
  return {
    config,
    outputDir,
    /** What `run` makes of a file, or of a copy of it by another name. */
    make: async (name: string, flags: Record<string, unknown>, as = name): Promise<CreatedBatch> => {
      const options = parseRunOptions({ ...flags, outputDir });
      const settings = resolveSettings(options);
      return createBatch(config, {
        read: (sink) => readPromptFile(join(fixtures, name), sink),
        file: as,
        settings,
        earlier: earlierRequests(options, settings),
        outputDir,
        id: undefined,
        reuse: { reuse: [], reuse_policy: options.reuse.policy },
        fresh: false,
      });
    },
  };
}

async function missingOf({ location, batchId }: BatchStore): Promise<number[][]> {
  const missing: number[][] = [];
  const store = new BatchStore(location, batchId, 'reader');
  for await (const { promptState } of readBatchPrompts(store)) missing.push(promptState.missing);
  return missing;
}

const simulated = { provider: 'simulated' };
const deepseek = JSON.parse(
  await readFile(join(fixtures, 'deepseek-236e06f2b6a6', 'batch.json'), 'utf8'),
) as { settings: { baseUrl: string; model: string } };
const { baseUrl } = deepseek.settings;

for (const { name, flags, id } of [
  { name: 'finished.json', flags: simulated, id: 'finished-52b82ac29230' },
  { name: 'half.json', flags: simulated, id: 'half-6bd2c7171487' },
  {
    name: 'own-ids.json',
    flags: { ...simulated, completions: '1' },
    id: 'own-ids-05f64999bea6',
  },
  {
    name: 'own-requests.jsonl',
    flags: { ...simulated, completions: '1' },
    id: 'own-requests-a22cf786b751',
  },
  { name: 'deepseek.json', flags: { baseUrl }, id: 'deepseek-236e06f2b6a6' },
  { name: 'deepseek.json', flags: { baseUrl, model: 'deepseek-v4-flash' }, id: 'deepseek-236e06f2b6a6' },
]) {
  for (const as of [name, `copy${extname(name)}`]) {
    test(`${JSON.stringify(flags)} ${name} as ${as}: the same command is the same batch`, async (t) => {
      const { make } = await upgradedPlace(t);
      const { store, created } = await make(name, flags, as);
      assert.deepEqual([store.batchId, created], [id, false]);
    });
  }
}

test('other requests are another batch', async (t) => {
  const { make } = await upgradedPlace(t);
  assert.equal((await make('deepseek.json', { baseUrl, temperature: '0.1' })).created, true);
  assert.equal((await make('finished.json', { ...simulated, completions: '3' })).created, true);
});

test('its answers serve a new batch that asks for the model by its new name, and are marked', async (t) => {
  const { make, config } = await upgradedPlace(t);
  assert.equal(deepseek.settings.model, 'deepseek-v4-flash');
  const { store, manifest, created } = await make('deepseek.json', { baseUrl, model: 'deepseek-flash' });
  assert.deepEqual([created, manifest.settings.model], [true, 'deepseek-flash']);
  const notes: string[] = [];
  await reuseEarlierAnswers({ config, store, note: (line) => notes.push(line) });
  await copyPlanned(store, 0, LENIENT, new Date());
  assert.deepEqual(await missingOf(store), [[], []]);
  assert.match(notes.join(), /4 completions of identical requests taken over from deepseek-236e06f2b6a6/);
});

test('half of its answers serve a batch with one more completion', async (t) => {
  const { make, config, outputDir } = await upgradedPlace(t);
  const before = new BatchStore(await findOutputFolder(outputDir), 'half-6bd2c7171487', 'reader');
  const lacking = await missingOf(before);
  assert.ok(lacking.some(({ length }) => length > 0) && lacking.some(({ length }) => length === 0));
  const { store } = await make('half.json', { ...simulated, completions: '3' });
  await reuseEarlierAnswers({ config, store, note: () => {} });
  await copyPlanned(store, 0, LENIENT, new Date());
  const asked = (index: number): number => (index === 2 ? 0 : 1);
  assert.deepEqual(
    (await missingOf(store)).map(({ length }) => length),
    lacking.map(({ length }, index) => length + asked(index)),
  );
});

test('add knows the file it was made from', async (t) => {
  const { config, outputDir } = await upgradedPlace(t);
  const location = await findOutputFolder(outputDir);
  for (const [id, name] of [
    ['finished-52b82ac29230', 'finished.json'],
    ['half-6bd2c7171487', 'half.json'],
  ] as const) {
    const store = new BatchStore(location, id, 'test');
    const { known } = await stagePrompts(config, store, join(fixtures, name), () => {});
    assert.equal(known, 'begun');
  }
});

test('a batch that was left half done is crashed if a request was in flight, else stopped', async (t) => {
  const { outputDir } = await upgradedPlace(t);
  const id = 'half-6bd2c7171487';
  const stateOf = async (): Promise<string> => {
    const store = new BatchStore(await findOutputFolder(outputDir), id, 'reader');
    return (await statusOf(null, store)).state;
  };
  assert.equal(await stateOf(), 'crashed');
  const ledger = join(outputDir, id, 'ledger', '00000');
  const file = join(ledger, (await readdir(ledger))[0]!);
  const records = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  const ends = new Set(records.map((line) => (JSON.parse(line) as { start?: string }).start));
  const whole = records.filter((line) => {
    const { type, id: recordId } = JSON.parse(line) as { type: string; id: string };
    return type !== 'start' || ends.has(recordId);
  });
  assert.ok(whole.length < records.length);
  await writeFile(file, `${whole.join('\n')}\n`);
  assert.equal(await stateOf(), 'stopped');
});
