import assert from 'node:assert/strict';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { claimedIds, claimId } from '../../src/store/batch-claims.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const hash = `2-${'ab'.repeat(32)}`;

test('of several claims of a number the first one holds', async (t) => {
  const folder = await temporaryFolder(t);
  const claims = await Promise.all(['a', 'b', 'c'].map((id) => claimId(folder, hash, 1, id)));
  assert.equal(claims.filter(({ isNew }) => isNew).length, 1);
  const [first] = await claimedIds(folder, hash);
  assert.deepEqual(new Set(claims.map(({ id }) => id)), new Set([first]));
});

test('claims are neither made nor read through a link', async (t) => {
  const folder = await temporaryFolder(t);
  const elsewhere = join(folder, 'elsewhere');
  await mkdir(elsewhere);
  await symlink(elsewhere, join(folder, '.durabatch-claims'));
  const isNamed = (error: Error): boolean =>
    error instanceof StoreError && /\.durabatch-claims is a link/.test(error.message);
  await assert.rejects(claimId(folder, hash, 1, 'a'), isNamed);
  await assert.rejects(claimedIds(folder, hash), isNamed);
  assert.deepEqual(await readdir(elsewhere), []);
});
