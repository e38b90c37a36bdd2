import assert from 'node:assert/strict';
import { readdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'node:test';
import { discardAll, reserveFiles } from '../../src/report/reserve-files.ts';
import { tempFolder } from './support/temp-folder.ts';

const timestamp = new Date('2026-03-04T05:06:07Z');
const stem = 'batch_results_20260304_050607_demo-1';

const taken = [
  `${stem}.json`,
  `${stem}.csv`,
  `${stem}_failures.jsonl`,
  `${stem}_failures.jsonl.part`,
  `${stem}.possibly-paid.part`,
  `${stem}.json.part`,
  `${stem}.csv.part`,
  `${stem}.results.part`,
];
for (const name of taken)
  test(`goes on to the next name when ${name} is there, and leaves it alone`, async (t) => {
    const folder = await tempFolder(t);
    await writeFile(join(folder, name), '');
    const files = await reserveFiles(folder, timestamp, 'demo-1');
    assert.deepEqual(
      [files.json, files.csv, files.failures].map(({ path }) => basename(path)),
      [`${stem}_2.json`, `${stem}_2.csv`, `${stem}_2_failures.jsonl`],
    );
    await discardAll(Object.values(files));
    assert.deepEqual(await readdir(folder), [name]);
  });

test(
  'takes a link that leads nowhere for a name that is taken',
  { skip: process.platform === 'win32' && 'needs POSIX' },
  async (t) => {
    const folder = await tempFolder(t);
    await symlink(join(folder, 'nowhere'), join(folder, `${stem}.csv`));
    const files = await reserveFiles(folder, timestamp, 'demo-1');
    assert.equal(basename(files.csv.path), `${stem}_2.csv`);
    await discardAll(Object.values(files));
  },
);

test('gives each of many at once a name of its own, with no gap left open', async (t) => {
  const folder = await tempFolder(t);
  const all = await Promise.all(Array.from({ length: 8 }, () => reserveFiles(folder, timestamp, 'demo-1')));
  assert.equal(new Set(all.map(({ json }) => json.path)).size, 8);
  await Promise.all(all.map((files) => discardAll(Object.values(files))));
  assert.deepEqual(await readdir(folder), []);
});

test('keeps the reason when the clean-up fails too', async () => {
  const reason = new Error('disk full');
  const broken = { discard: () => Promise.reject(new Error('cannot remove')) };
  await assert.rejects(discardAll([broken as never], reason), {
    name: 'AggregateError',
    message: 'disk full; then cannot remove',
  });
});
