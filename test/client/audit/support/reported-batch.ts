/** A finished batch on disk, with ledger, manifest and report, as its run left it. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createWriteReport } from '../../../../src/activities/write-report.ts';
import type { PromptItem } from '../../../../src/core/prompt.ts';
import type { Receipt } from '../../../../src/core/receipt.ts';
import type { ReportRequest } from '../../../../src/core/prompt-task.ts';
import type { WorkflowReceipt } from '../../../../src/client/audit/read-execution.ts';
import type { WorkflowRun } from '../../../../src/client/audit/workflow-receipts.ts';
import { BatchStore } from '../../../../src/store/batch-store.ts';
import { completionsOf, readBatchPrompts } from '../../../../src/store/ledger/batch-reading.ts';
import type { LedgerRecord } from '../../../../src/store/ledger/records.ts';
import { promptStateOf } from '../../../../src/store/ledger/prompt-state.ts';
import { mockActivity } from '../../../activities/support/prompt-desk.ts';
import { manifestOf } from '../../../report/support/report-fixtures.ts';
import { makeBatch } from '../../../store/support/batches.ts';
import { answer, fault, settled, start } from '../../../store/support/records.ts';

export const reportedAt = '2026-01-01T00:01:00.000Z';

const items: PromptItem[] = [
  { prompt_id: 'plain', prompt: 'x', fields: { topic: 'a', deep: [{ b: null }] } },
  { prompt_id: 'twice', prompt: 'x' },
  { prompt_id: 'lost', prompt: 'x', completions: 1 },
  { prompt_id: 'refused', prompt: 'x' },
];

const one = (sample: number, text: string) => ({ choices: [{ sample, text, finishReason: 'stop' }] });
const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
const error = { type: 'Completion.Rejected', message: 'content policy', attempts: 2 } as const;

/** One prompt as it should be, one with an answer too many, one with a lost request, one that failed half way. */
export const ledger: LedgerRecord[] = [
  start('s1'),
  answer('a1', { start: 's1', ...one(1, 'first \u2028 "text"') }),
  start('s2', { at: at(1), samples: [2] }),
  answer('a2', { start: 's2', at: at(2), costNanoUsd: 1_000_000_001, ...one(2, 'second') }),
  settled('e1', { at: at(3), answers: ['a1', 'a2'] }),

  start('s3', { index: 1, samples: [1, 2] }),
  answer('a3', { index: 1, start: 's3', choices: [...one(1, 'p').choices, ...one(2, 'q').choices] }),
  start('s4', { index: 1, attempt: 2, samples: [1] }),
  answer('a4', { index: 1, start: 's4', attempt: 2, at: at(4), costNanoUsd: 11 }),
  settled('e2', { index: 1, attempt: 2, at: at(5), answers: ['a3'] }),

  start('s5', { index: 2, worstCostNanoUsd: 5_000 }),
  start('s6', { index: 2, attempt: 2, at: at(1) }),
  answer('a6', { index: 2, start: 's6', attempt: 2, at: at(2), ...one(1, 'r') }),
  settled('e3', { index: 2, attempt: 2, at: at(3), answers: ['a6'] }),

  start('s7', { index: 3 }),
  answer('a7', { index: 3, start: 's7', ...one(1, 'half') }),
  start('s8', { index: 3, samples: [2], at: at(1) }),
  fault('f8', {
    index: 3,
    start: 's8',
    at: at(2),
    failure: 'Completion.Rejected',
    status: 400,
    message: error.message,
  }),
  settled('e4', { index: 3, at: at(3), status: 'failed', answers: ['a7'], error }),
];

export interface ReportedWorkflow {
  runs: WorkflowRun[];
  /** By the prompt's position in the batch. */
  receipts: Map<number, WorkflowReceipt[]>;
}

export interface ReportedBatch {
  store: BatchStore;
  resultsFile: string;
  /** What the workflow would have of it. */
  workflow: ReportedWorkflow;
  /** Replaces a text in the report, which must hold it. */
  changeReport(from: string, to: string): Promise<void>;
  /** Replaces the ledger's only file. */
  changeLedger(change: (lines: string[]) => string[]): Promise<void>;
  /** As another command would open it. */
  reopened(): BatchStore;
}

export async function makeReportedBatch(t: TestContext): Promise<ReportedBatch> {
  const manifestRuns = [{ run: 1, started_at: '2026-01-01T00:00:00.000Z', limits: manifestOf(1).limits }];
  const store = await makeBatch(t, items, { runs: manifestRuns });
  const { writer } = await store.openShard(0);
  for (const record of ledger) await writer.append(record, { durable: true });
  const request: ReportRequest = {
    batchId: store.batchId,
    run: 1,
    state: 'partly_failed',
    endedAt: reportedAt,
  };
  await mockActivity().run(createWriteReport({ store }), request);
  const manifest = await store.readManifest();
  const outcome = manifest.runs[0]!.outcome!;
  const { resultsFile } = outcome;

  const receipts = new Map<number, WorkflowReceipt[]>();
  for await (const { index, item, history } of readBatchPrompts(store)) {
    const { settled: end, paid } = promptStateOf(history, completionsOf(item, manifest));
    const { status, answers } = end!;
    const receipt: Receipt = { status, answers, paid, spentNanoUsd: null, latencyMs: 1 };
    receipts.set(index, [{ ...receipt, run: 1 }]);
  }
  const runs = [{ run: 1, outcome, whole: true }];

  const folder = join(store.folder, 'ledger', '00000');
  return {
    store,
    resultsFile,
    workflow: { runs, receipts },
    changeReport: async (from, to) => {
      const text = await readFile(resultsFile, 'utf8');
      if (!text.includes(from)) throw new Error(`the report does not hold ${from}`);
      await writeFile(
        resultsFile,
        text.replace(from, () => to),
      );
    },
    changeLedger: async (change) => {
      const [name] = await readdir(folder);
      const file = join(folder, name!);
      const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
      await writeFile(file, `${change(lines).join('\n')}\n`);
    },
    reopened: () => {
      const opened = new BatchStore(store.location, store.batchId, 'audit');
      t.after(() => opened.close());
      return opened;
    },
  };
}
