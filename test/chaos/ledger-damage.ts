/** What a power cut, a full disk or a copied folder may do to a ledger. Only while nothing runs. */
import { appendFile, readdir, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { LedgerRecord } from '../../src/store/ledger/records.ts';
import type { Random } from './random.ts';

export const damages = ['cut', 'half line', 'doubled line'] as const;
export type Damage = (typeof damages)[number];

/** Damages the file written last. Answers what was done; `null` if there was nothing to damage. */
export async function damageLedger(
  batchFolder: string,
  damage: Damage,
  random: Random,
): Promise<string | null> {
  const file = await newestFile(join(batchFolder, 'ledger'));
  if (file === null) return null;
  const bytes = await readFile(file);
  const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
  const lines = whole.toString('utf8').split('\n').slice(0, -1);
  if (lines.length === 0) return null;
  if (damage === 'cut') {
    // A cut inside a line tears it.
    const from = endOfSynced(lines);
    const to = from + random.index(bytes.length - from + 1);
    await truncate(file, to);
    return `cut ${bytes.length - to} bytes`;
  }
  // Nobody appends to a file whose last line is torn.
  if (whole.length < bytes.length) return null;
  const line = random.pick(lines);
  const added = damage === 'half line' ? line.slice(0, 1 + random.index(line.length - 1)) : `${line}\n`;
  await appendFile(file, added);
  return `added ${damage === 'half line' ? 'half a line' : 'a line that was there'}`;
}

/** Answers and settlements are synced before anyone hears of them; what stands behind the last one may not be. */
function endOfSynced(lines: readonly string[]): number {
  const last = lines.findLastIndex((line) => {
    const { type } = JSON.parse(line) as LedgerRecord;
    return type === 'answer' || type === 'settled';
  });
  return lines.slice(0, last + 1).reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
}

async function newestFile(ledger: string): Promise<string | null> {
  const names = await readdir(ledger, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith('.jsonl')).map((name) => join(ledger, name));
  const times = await Promise.all(files.map(async (file) => ({ file, at: (await stat(file)).mtimeMs })));
  return times.sort((a, b) => b.at - a.at)[0]?.file ?? null;
}
