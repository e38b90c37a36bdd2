/** What looking for batches costs in a folder with many of them: counted, not timed. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { listRegistered, lookUpBatch, registerBatch } from '../../../src/client/find/batch-registry.ts';
import { knownStores } from '../../../src/client/find/known-batches.ts';
import { knownBatchIds } from '../../../src/client/find/known-ids.ts';
import { findStore } from '../../../src/client/find/locate-batch.ts';
import { loadConfig } from '../../../src/config.ts';
import type { StoreLocation } from '../../../src/core/batch-layout.ts';
import { findBatch, listBatches, openOutputFolder } from '../../../src/store/output-folder.ts';
import { countFileCalls } from '../../support/count-file-calls.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const MANY = 300;

// The default output folder is looked at too: there is none here, whatever was run in the checkout before.
const start = process.cwd();
before(async () => process.chdir(await mkdtemp(join(tmpdir(), 'durabatch-test-'))));
after(async () => {
  const empty = process.cwd();
  process.chdir(start);
  await rm(empty, { recursive: true, force: true });
});

const idOf = (number: number): string => `batch-${String(number).padStart(4, '0')}`;

/** A folder of so many batches, each of them registered. */
async function folderOf(t: TestContext, home: string, batches: number): Promise<StoreLocation> {
  const location = await openOutputFolder(await temporaryFolder(t));
  for (let number = 0; number < batches; number++) {
    const folder = join(location.outputDir, idOf(number));
    await mkdir(folder);
    await writeFile(join(folder, 'batch.json'), JSON.stringify({ store_uuid: location.uuid }));
    await registerBatch(home, location, idOf(number));
  }
  return location;
}

test('the folder of many batches is read once, and each batch is looked at once', async (t) => {
  const home = await temporaryFolder(t);
  const config = loadConfig({ DURABATCH_HOME: home }, home);
  const { outputDir } = await folderOf(t, home, MANY);
  const counted = countFileCalls(t);
  // The folder, and the default output folder, which is not there.
  const [folders, few] = [2, 5];

  const known = await counted(async () => assert.equal((await knownStores(config, outputDir)).length, MANY));
  assert.deepEqual([known.readdir, known.stat <= MANY + few, known.readFile <= few], [1, true, true]);

  const remembered = await counted(async () =>
    assert.equal((await knownStores(config, undefined)).length, MANY),
  );
  assert.ok(remembered.readdir <= folders + 1, `${remembered.readdir} folders were read`);
  assert.ok(remembered.stat <= MANY + few, `${remembered.stat} files were looked at`);
  assert.ok(remembered.readFile <= MANY + few, `${remembered.readFile} files were read`);

  const registered = await counted(async () => assert.equal((await listRegistered(home)).length, MANY));
  assert.ok(registered.readdir <= folders, `${registered.readdir} folders were read`);
});

test('one of many batches is found without looking at the others', async (t) => {
  const home = await temporaryFolder(t);
  const config = loadConfig({ DURABATCH_HOME: home }, home);
  const { outputDir } = await folderOf(t, home, MANY);
  const counted = countFileCalls(t);
  const lookUps = [
    async () => assert.equal(await findBatch(outputDir, 'Batch-0123'), 'batch-0123'),
    async () => assert.equal(await findBatch(outputDir, 'batch-9999'), null),
    async () => assert.equal((await lookUpBatch(home, 'batch-0123'))?.batchId, 'batch-0123'),
    async () => assert.equal((await findStore(config, 'batch-0123', undefined))?.batchId, 'batch-0123'),
  ];
  for (const [index, lookUp] of lookUps.entries()) {
    const { readdir, stat, readFile } = await counted(lookUp);
    assert.ok(
      readdir <= 1 && stat <= 1 && readFile <= 2,
      `look-up ${index}: ${readdir}, ${stat}, ${readFile}`,
    );
  }
});

test('completion looks at each batch of the folder once, and reads nothing of it', async (t) => {
  const home = await temporaryFolder(t);
  const { outputDir } = await folderOf(t, home, MANY);
  const counted = countFileCalls(t);
  const here = await counted(async () => assert.equal((await knownBatchIds(home, outputDir)).length, MANY));
  assert.deepEqual(here, { readdir: 2, stat: MANY, readFile: 0 });
  // From elsewhere the registry says where they are.
  const elsewhere = await counted(async () =>
    assert.equal((await knownBatchIds(home, join(home, 'none'))).length, MANY),
  );
  assert.deepEqual(elsewhere, { readdir: 2, stat: MANY, readFile: MANY });
});

test('batches of several folders, of one that was emptied and of one that is another store now', async (t) => {
  const home = await temporaryFolder(t);
  const first = await folderOf(t, home, 2);
  const emptied = await openOutputFolder(await temporaryFolder(t));
  await registerBatch(home, emptied, 'taken-away');
  const replaced = await openOutputFolder(await temporaryFolder(t));
  await mkdir(join(replaced.outputDir, 'Other'));
  await writeFile(join(replaced.outputDir, 'Other', 'batch.json'), '{}');
  await registerBatch(home, { ...replaced, uuid: first.uuid }, 'Other');
  const registered = async (): Promise<string[]> =>
    (await listRegistered(home)).map(({ batchId }) => batchId).sort();
  assert.deepEqual(await registered(), [idOf(0), idOf(1)]);
  await registerBatch(home, replaced, 'other');
  assert.deepEqual(await registered(), [idOf(0), idOf(1), 'other'], 'whatever the case of its id');
});

test('a batch is found by its own spelling first, then by any other', async (t) => {
  const { outputDir } = await openOutputFolder(await temporaryFolder(t));
  const make = async (id: string): Promise<void> => {
    await mkdir(join(outputDir, id));
    await writeFile(join(outputDir, id, 'batch.json'), '{}');
  };
  await make('Sample');
  assert.deepEqual(await Promise.all(['sample', 'SAMPLE', 'sampl'].map((id) => findBatch(outputDir, id))), [
    'Sample',
    'Sample',
    null,
  ]);
  if (process.platform !== 'linux') return;
  await mkdir(join(outputDir, 'sample'));
  assert.equal(await findBatch(outputDir, 'sample'), 'Sample', 'a folder without a manifest is no batch');
  await rm(join(outputDir, 'sample'), { recursive: true });
  await make('sample');
  assert.equal(await findBatch(outputDir, 'sample'), 'sample');
  assert.deepEqual(await listBatches(outputDir), ['Sample', 'sample']);
});
