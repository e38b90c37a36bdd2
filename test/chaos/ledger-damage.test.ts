import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { damageLedger } from './ledger-damage.ts';
import { createRandom } from './random.ts';

const line = (type: string, id: number): string => `${JSON.stringify({ type, id })}\n`;
const synced = line('start', 1) + line('answer', 2) + line('start', 3) + line('settled', 4);
const text = synced + line('start', 5) + line('fault', 6);

const damaged = async (
  t: Parameters<typeof temporaryFolder>[0],
  damage: 'cut' | 'half line' | 'doubled line',
  seed: number,
) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'ledger', '00000', 'a.jsonl');
  await mkdir(join(folder, 'ledger', '00000'), { recursive: true });
  await writeFile(file, text);
  assert.notEqual(await damageLedger(folder, damage, createRandom(seed)), null);
  return readFile(file, 'utf8');
};

test('a cut never reaches what was synced', async (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const left = await damaged(t, 'cut', seed);
    assert.ok(left.startsWith(synced) && text.startsWith(left), left);
  }
});

test('a half line stays without its end, a doubled one is whole', async (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const half = (await damaged(t, 'half line', seed)).slice(text.length);
    assert.ok(half.length > 0 && !half.includes('\n'), half);
    const doubled = (await damaged(t, 'doubled line', seed)).slice(text.length);
    assert.ok(text.includes(doubled) && doubled.endsWith('\n'), doubled);
  }
});

test('without a ledger nothing is damaged', async (t) => {
  assert.equal(await damageLedger(await temporaryFolder(t), 'cut', createRandom(1)), null);
});
