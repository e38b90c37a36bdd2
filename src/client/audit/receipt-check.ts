/** The workflow's receipts for one prompt against what the ledger says of it. */
import type { Paid } from '../../core/receipt.ts';
import type { PromptReading } from '../../store/ledger/batch-reading.ts';
import type { AnswerMeta } from '../../store/ledger/prompt-history.ts';
import type { SettledRecord } from '../../store/ledger/records.ts';
import { paidFor } from '../../store/ledger/prompt-state.ts';
import { costText } from '../render/number-text.ts';
import { toTerminalText } from '../render/terminal-text.ts';
import type { Difference } from './findings.ts';
import { jsonDifferences } from './json-differences.ts';
import type { WorkflowReceipt } from './read-execution.ts';

export interface ReceiptVerdict {
  differences: Difference[];
  /** Answers that came after the receipt: paid, on the report's bill, and not in the workflow's totals. */
  late: string[];
}

/** `completeRuns`: as in `ShardReceipts`. */
export function checkReceipts(
  { item, history }: PromptReading,
  receipts: readonly WorkflowReceipt[],
  completeRuns: ReadonlySet<number>,
): ReceiptVerdict {
  const prompt = `prompt ${toTerminalText(item.prompt_id, 60)}`;
  const differences: Difference[] = [];
  const late = new Set<string>();
  const differs = (message: string, records: string[]): void => {
    differences.push({ check: 'receipts', message: `${prompt}: ${message}`, records });
  };

  const known = new Set(history.answers.map(({ id }) => id));
  for (const receipt of receipts) {
    const ofRun = `the receipt of run ${receipt.run}`;
    const strangers = receipt.answers.filter((id) => !known.has(id));
    for (const id of strangers) differs(`${ofRun} names the answer ${id}, which is not in the ledger`, [id]);
    if (strangers.length > 0) continue;
    const ends = history.settled.filter((settled) => isSameEnd(settled, receipt));
    if (ends.length === 0) {
      const named = receipt.answers.join(', ') || 'no answers';
      differs(
        `${ofRun} (${receipt.status}, ${named}) is like no end in the ledger`,
        history.settled.map(({ id }) => id),
      );
      continue;
    }
    if (isSamePaid(receipt.paid, history.answers)) continue;
    const answersUntil = (end: SettledRecord): AnswerMeta[] =>
      history.answers.filter(({ at }) => at <= end.at);
    const end = ends.find((each) => isSamePaid(receipt.paid, answersUntil(each)));
    if (!end) {
      const until = answersUntil(ends.at(-1)!);
      const { costNanoUsd, usage } = paidFor(until);
      differs(
        `${ofRun} says ${receipt.paid.usage.total} tokens for ${costText(receipt.paid.costNanoUsd)}, the ledger's answers up to then are ${usage.total} tokens for ${costText(costNanoUsd)}`,
        until.map(({ id }) => id),
      );
    } else if (!history.settled.some(({ at }) => at > end.at)) {
      for (const { id, at } of history.answers) if (at > end.at) late.add(id);
    }
  }

  const received = new Set(receipts.map(({ run }) => run));
  for (const { id, run } of history.settled) {
    if (completeRuns.has(run) && !received.has(run)) {
      differs(`the ledger has its end ${id} in run ${run}, the workflow of that run has no receipt for it`, [
        id,
      ]);
    }
  }
  return { differences, late: [...late] };
}

const isSameEnd = (settled: SettledRecord, receipt: WorkflowReceipt): boolean =>
  settled.status === receipt.status &&
  settled.answers.toSorted().join() === receipt.answers.toSorted().join();

const isSamePaid = (paid: Paid, answers: readonly AnswerMeta[]): boolean =>
  jsonDifferences(paidFor(answers), paid).length === 0;
