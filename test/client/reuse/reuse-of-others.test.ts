/** A batch's folder may name any batch as a source of answers: only its user's word counts in other folders. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { approve } from '../../../src/client/trust/approvals.ts';
import { lookUpBatch, registerBatch } from '../../../src/client/find/batch-registry.ts';
import { approvedReuse, noReuse, sourcesOf } from '../../../src/client/reuse/reuse-earlier-answers.ts';
import { loadConfig } from '../../../src/config.ts';
import { destinationOf } from '../../../src/providers/destination.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const items = [{ prompt_id: 'a', prompt: 'What is one?' }];

test('answers come from a batch of another folder only where the user has named it', async (t) => {
  const home = join(await temporaryFolder(t), 'home');
  const config = loadConfig({ DURABATCH_HOME: home }, home);
  const own = await makeBatch(t, items, { batch_id: 'own-secrets' });
  const foreign = await makeBatch(t, items, { batch_id: 'foreign', reuse: ['own-secrets'] });
  await registerBatch(home, own.location, own.batchId);
  const manifest = await foreign.readManifest();
  const found = async (typed: readonly string[]): Promise<{ ids: string[]; notes: string[] }> => {
    const notes: string[] = [];
    const wanted = { reuse: manifest.reuse, reuse_policy: noReuse, typed };
    const { sources } = await sourcesOf(config, foreign, wanted, (line) => notes.push(line));
    return { ids: sources.map(({ store }) => store.batchId), notes };
  };

  const unasked = await found(approvedReuse(config, foreign, manifest));
  assert.deepEqual(unasked.ids, []);
  assert.match(unasked.notes.join(), /No answers are reused from own-secrets: the batch's folder names it/);

  const { settings, limits } = manifest;
  const approval = { prompts: [], spending: limits, reuse: ['own-secrets'] };
  await approve(home, foreign, destinationOf(settings, limits), approval);
  const typed = await found(approvedReuse(config, foreign, manifest));
  assert.deepEqual(typed, { ids: ['own-secrets'], notes: [] });
});

test('what is no id of a batch is neither looked for in the registry nor written there', async (t) => {
  const home = join(await temporaryFolder(t), 'home');
  const { location } = await makeBatch(t, items, { batch_id: 'other' });
  await mkdir(join(home, 'batches'), { recursive: true });
  await registerBatch(home, location, 'other');
  await writeFile(join(home, 'planted.json'), JSON.stringify({ ...location, batchId: 'other' }));
  assert.equal((await lookUpBatch(home, 'other'))?.batchId, 'other');
  assert.equal(await lookUpBatch(home, '../planted'), null);
  await registerBatch(home, location, '../written');
  assert.equal(await lookUpBatch(home, '../written'), null);
});
