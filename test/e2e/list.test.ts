/** What `list` says of folders that are not as they should be. */
import assert from 'node:assert/strict';
import { cp, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeBatch } from '../store/support/batches.ts';
import { runCli } from '../support/cli.ts';
import { createTestHome, startTestServer, testEnv } from '../support/temporal-server.ts';
import { createWorkplace, promptTexts } from './workplace.ts';

test('a batch that cannot be read hides no other, and is named', async (t) => {
  const home = await createTestHome();
  t.after(() => rm(home, { recursive: true, force: true }));
  const options = { env: await testEnv(home), cwd: home };
  const store = await makeBatch(t, [{ prompt_id: 'p1', prompt: 'one' }]);
  const { outputDir } = store.location;
  await mkdir(join(outputDir, 'damaged'));
  await writeFile(join(outputDir, 'damaged', 'batch.json'), '{"batch_name":');

  const text = await runCli(['list', '--output-dir', outputDir], options);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, new RegExp(`waiting +0/1 .* ${store.batchId}$`, 'm'));
  assert.match(text.stderr, /^damaged is not listed: .*batch\.json is not a batch manifest: .+$/m);
  const { code, lines } = await runCli(['list', '--output-dir', outputDir, '--json'], options);
  assert.equal(code, 0);
  assert.deepEqual(
    lines.map(({ type, batch_id: id }) => [type, id]),
    [
      ['note', undefined],
      ['status', store.batchId],
    ],
  );

  await rm(store.folder, { recursive: true });
  const alone = await runCli(['list', '--output-dir', outputDir], options);
  assert.deepEqual([alone.code, alone.stdout], [0, ''], 'there is a batch: only, it cannot be read');
});

const strangeRecords: Record<string, (file: string) => Promise<unknown>> = {
  'is a folder': (file) => mkdir(file),
  'is too large': (file) => writeFile(file, '').then(() => truncate(file, 65 << 20)),
  'names no process': (file) => writeFile(file, '{"worker":null,"run":1}\n'),
  'has other types': (file) => writeFile(file, '{"worker":{"split":1},"run":"1"}\n{"left":true,"at":1}\n..'),
};
for (const [what, plant] of Object.entries(strangeRecords)) {
  test(`a worker record that ${what} hides no batch`, async (t) => {
    const home = await createTestHome();
    t.after(() => rm(home, { recursive: true, force: true }));
    const options = { env: await testEnv(home), cwd: home };
    const store = await makeBatch(t, [{ prompt_id: 'p1', prompt: 'one' }], { batch_id: 'good' });
    const { outputDir } = store.location;
    const strange = join(outputDir, 'strange');
    await cp(store.folder, strange, { recursive: true });
    await mkdir(join(strange, 'workers'), { recursive: true });
    await plant(join(strange, 'workers', '1_vm_1-00000000.beats'));
    const { code, stdout, stderr } = await runCli(['list', '--output-dir', outputDir], options);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(` ${store.batchId}$`, 'm'));
    assert.match(stdout + stderr, / strange$|^strange is not listed: .*beats/m);
  });
}

test('an output folder that does not exist is a mistake in typing, not a folder without batches', async (t) => {
  const home = await createTestHome();
  t.after(() => rm(home, { recursive: true, force: true }));
  const options = { env: await testEnv(home), cwd: home };
  const missing = await runCli(['list', '--output-dir', 'data/mistyped'], options);
  assert.deepEqual([missing.code, missing.stdout], [2, '']);
  assert.match(missing.stderr, /--output-dir: there is no folder data\/mistyped/);
  await writeFile(join(home, 'file'), '');
  const file = await runCli(['list', '--output-dir', 'file'], options);
  assert.equal(file.code, 2);
  assert.match(file.stderr, /--output-dir: file is not a folder/);
  const none = await runCli(['list'], options);
  assert.deepEqual([none.code, none.stderr], [0, ''], 'without a named folder there may be none yet');
});

test('a folder that was moved away is gone; back, its batch is listed once, though another had its id meanwhile', async (t) => {
  const server = await startTestServer();
  t.after(() => server.stop());
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(1));
  const folder = join(place.folder, 'data', 'batch_results');
  const flags = ['--id', 'twice', '--output-dir', folder];
  const listed = async (): Promise<unknown[]> => {
    const { code, lines, stderr } = await place.cli(['list', '--json']);
    assert.equal(code, 0, stderr);
    return lines.map(({ batch_id: id, folder_gone: gone, output_dir: at }) => [id, gone, at]);
  };
  assert.equal((await place.run(file, flags)).code, 0);
  await rename(folder, join(place.folder, 'away'));
  assert.deepEqual(await listed(), [['twice', true, folder]]);
  assert.match((await place.cli(['list'])).stdout, /^succeeded .* twice {2}\(folder gone\)$/m);

  assert.equal((await place.run(file, flags)).code, 0);
  await rename(folder, join(place.folder, 'other'));
  await rename(join(place.folder, 'away'), folder);
  assert.deepEqual(await listed(), [['twice', false, folder]]);
});
