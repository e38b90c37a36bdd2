import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config.ts';
import { knownBatchIds } from '../../../src/client/find/known-ids.ts';
import { resolveId } from '../../../src/client/find/resolve-id.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const names = ['good-0f3a9c21b7de', 'good $(touch x)', 'good-`x`', 'good\u202e', 'good copy'];

test('a folder whose name is no id is offered to no shell, and no beginning of an id stands for it', async (t) => {
  const home = await temporaryFolder(t);
  const outputDir = await temporaryFolder(t);
  for (const [at, name] of names.entries()) {
    await mkdir(join(outputDir, name));
    const manifest = { created_at: `2026-01-0${at + 1}T00:00:00.000Z` };
    await writeFile(join(outputDir, name, 'batch.json'), JSON.stringify(manifest));
  }
  assert.deepEqual(await knownBatchIds(home, outputDir), names.slice(0, 1));
  const config = loadConfig({ DURABATCH_HOME: home }, home);
  for (const typed of ['goo', '@last']) assert.equal(await resolveId(config, typed, { outputDir }), names[0]);
});
