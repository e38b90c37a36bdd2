import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { registerBatch } from '../../../src/client/find/batch-registry.ts';
import { knownBatchIds } from '../../../src/client/find/known-ids.ts';
import { locateBatch } from '../../../src/client/find/locate-batch.ts';
import { loadConfig } from '../../../src/config.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('an id with a typing error, and the beginning of one, are answered with the batch that was meant', async (t) => {
  const home = await temporaryFolder(t);
  const config = loadConfig({ DURABATCH_HOME: home }, home);
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'x' }], { batch_id: 'poems-91d00a7731ce' });
  await registerBatch(home, store.location, store.batchId);
  const { batchId } = await locateBatch(config, 'Poems-91d00a7731CE', undefined);
  assert.equal(batchId, 'poems-91d00a7731ce');
  for (const typed of ['poems-91d00a7713ce', 'poems', 'poem-91d00a7731ce'])
    await assert.rejects(locateBatch(config, typed, undefined), {
      name: 'UsageError',
      message: /^there is no batch ".*" in .*; did you mean poems-91d00a7731ce\?$/,
    });
  await assert.rejects(locateBatch(config, 'xyzzy', undefined), {
    message: /"durabatch list" shows the batches/,
  });
});

test('what is damaged or gone in the registry is forgotten, and the rest is known', async (t) => {
  const home = await temporaryFolder(t);
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'x' }]);
  await registerBatch(home, store.location, store.batchId);
  await registerBatch(home, { ...store.location, outputDir: join(home, 'gone') }, 'gone-1');
  await writeFile(join(home, 'batches', 'broken-1.json'), '{"kind":');
  await mkdir(join(home, 'empty'));
  assert.deepEqual(await knownBatchIds(home, join(home, 'empty')), [store.batchId]);
  const config = loadConfig({ DURABATCH_HOME: home }, home);
  await assert.rejects(locateBatch(config, 'broken-1', undefined), { name: 'UsageError' });
});
