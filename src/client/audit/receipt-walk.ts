import type { PromptReading } from '../../store/ledger/batch-reading.ts';
import type { Findings } from './findings.ts';
import { HistoryError } from './histories.ts';
import { checkReceipts } from './receipt-check.ts';
import type { ShardReceipts, WorkflowRecords } from './workflow-receipts.ts';

const LATE_NAMED = 5;

/** Goes through the workflow's receipts shard by shard: those of one shard are in memory. */
export class ReceiptWalk {
  readonly #records: WorkflowRecords;
  readonly #findings: Findings;
  #current: ShardReceipts | null = null;
  #missing = 0;
  #late = 0;
  /** The first of the late answers. */
  readonly #named: string[] = [];
  /** Why nothing more is asked. */
  #silence: string | null = null;

  constructor(records: WorkflowRecords, findings: Findings) {
    this.#records = records;
    this.#findings = findings;
  }

  async enter(shard: number): Promise<void> {
    if (this.#silence !== null) return;
    try {
      this.#current = await this.#records.ofShard(shard);
      this.#missing += this.#current.missing;
    } catch (error) {
      if (!(error instanceof HistoryError)) throw error;
      this.#silence = `The workflow's receipts are not compared from shard ${shard + 1} on: the Temporal server does not tell: ${error.message}.`;
    }
  }

  /** A prompt of the shard that was entered. */
  compare(reading: PromptReading): void {
    if (!this.#current) return;
    const { receipts, completeRuns } = this.#current;
    const ofPrompt = receipts.get(reading.index) ?? [];
    receipts.delete(reading.index);
    this.#findings.compared('receipts', ofPrompt.length);
    const { differences, late } = checkReceipts(reading, ofPrompt, completeRuns);
    differences.forEach((difference) => this.#findings.differs(difference));
    this.#late += late.length;
    this.#named.push(...late.slice(0, LATE_NAMED - this.#named.length));
  }

  /** Takes account of what no prompt of the shard claimed. */
  leave(): void {
    for (const index of this.#current?.receipts.keys() ?? []) {
      const message = `the workflow has a receipt for prompt ${index + 1}, which its shard does not have`;
      this.#findings.differs({ check: 'receipts', message, records: [] });
    }
    this.#current = null;
  }

  /** What could not be compared, and what explains itself. */
  notes(): string[] {
    const notes: string[] = [];
    if (this.#late > 0) {
      const more = this.#late > LATE_NAMED ? ` and ${this.#late - LATE_NAMED} more` : '';
      notes.push(
        `${this.#late} answers came after the receipt of their prompt, from a worker that was cut off: they are paid, and not in the workflow's running totals: ${this.#named.join(', ')}${more}.`,
      );
    }
    if (this.#missing > 0) {
      const workflows = this.#missing === 1 ? 'one shard workflow' : `${this.#missing} shard workflows`;
      notes.push(
        `The receipts of ${workflows} are not compared: the Temporal server does not have ${this.#missing === 1 ? 'it' : 'them'} (any more).`,
      );
    }
    if (this.#silence !== null) notes.push(this.#silence);
    return notes;
  }
}
