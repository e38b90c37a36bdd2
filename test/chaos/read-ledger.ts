import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LedgerRecord } from '../../src/store/ledger/records.ts';

/** Each record of a batch's ledger once; torn last lines left out. */
export async function readLedger(folder: string): Promise<LedgerRecord[]> {
  const records = new Map<string, LedgerRecord>();
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.jsonl')) continue;
    for (const line of (await readFile(join(folder, name), 'utf8')).split('\n').slice(0, -1)) {
      const record = JSON.parse(line) as LedgerRecord;
      records.set(record.id, record);
    }
  }
  return [...records.values()];
}
