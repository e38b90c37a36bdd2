import type { LedgerReader } from './ledger-reader.ts';
import type { LedgerWriter } from './ledger-writer.ts';

/** What one process reads and writes of one shard's ledger. */
export class ShardLedger {
  readonly reader: LedgerReader;
  readonly writer: LedgerWriter;

  constructor(reader: LedgerReader, writer: LedgerWriter) {
    this.reader = reader;
    this.writer = writer;
  }
}
