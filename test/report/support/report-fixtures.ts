import type { BatchOutcome } from '../../../src/core/outcome.ts';
import type { BatchState } from '../../../src/core/progress.ts';
import type { Paid, Usage } from '../../../src/core/receipt.ts';
import type { ReportSource } from '../../../src/report/report-source.ts';
import type { PromptBill } from '../../../src/store/ledger/bill.ts';
import type { Manifest } from '../../../src/store/manifest/manifest.ts';
import type { BoughtAnswer, Completion, PromptOutcome } from '../../../src/store/ledger/outcome.ts';

export const manifestOf = (prompts: number, changes: Partial<Manifest> = {}): Manifest => ({
  format: 1,
  batch_id: 'sample-0123456789ab',
  batch_name: 'Sample',
  description: null,
  source: 'sample.json',
  metadata: { team: 'rlhf' },
  created_at: '2026-03-04T05:00:00.000Z',
  store_uuid: '4b1f0a52-0000-4000-8000-000000000000',
  input_hash: { version: 1, sha256: 'ab'.repeat(32) },
  prompts,
  shard_size: 500,
  shards: Math.ceil(prompts / 500),
  max_completions: 2,
  settings: {
    provider: 'deepseek',
    baseUrl: 'https://api.deepseek.com',
    model: 'deepseek-v4-flash',
    temperature: 0.7,
    topP: 0.9,
    maxTokens: 256,
    completions: 2,
    thinking: false,
  },
  limits: {
    maxWorkers: 3,
    maxAttempts: 6,
    requestTimeoutMs: 600_000,
    idleTimeoutMs: 120_000,
    patienceMs: 3_600_000,
    rejectTruncated: false,
    retryEmpty: false,
    maxFailures: null,
    maxCostNanoUsd: null,
    prices: null,
    apiKeyEnv: 'DEEPSEEK_API_KEY',
    simulateLatencyMs: 0,
    simulateErrors: 0,
  },
  runs: [],
  versions: { durabatch: '0.1.0', prices: '0.1.8' },
  reuse: [],
  pause: null,
  ...changes,
});

export const usageOf = (prompt: number, completion: number, changes: Partial<Usage> = {}): Usage => ({
  prompt,
  completion,
  total: prompt + completion,
  cached: 0,
  reasoning: 0,
  ...changes,
});

export const completionOf = (
  sample: number,
  text: string,
  changes: Partial<Completion> = {},
): Completion => ({
  recordId: `answer-${sample}`,
  sample,
  text,
  finishReason: 'stop',
  truncated: false,
  usage: usageOf(10, 5),
  costNanoUsd: 617_283,
  latencyMs: 120,
  model: 'deepseek-v4-flash',
  requestId: `req-${sample}`,
  at: '2026-03-04T05:06:00.000Z',
  attempt: sample,
  ...changes,
});

export const noBill: PromptBill = {
  kept: { usage: usageOf(0, 0), costNanoUsd: 0 },
  discarded: { usage: usageOf(0, 0), costNanoUsd: 0 },
  possiblyPaid: [],
  cacheSavingNanoUsd: 0,
  reused: 0,
};

/** Answers that cost and used this much; all of it is kept. */
export const boughtOf = (id: string, paid: Paid, changes: Partial<BoughtAnswer> = {}): BoughtAnswer => ({
  id,
  at: '2026-03-04T05:06:00.000Z',
  model: 'deepseek-v4-flash',
  usage: paid.usage,
  costNanoUsd: paid.costNanoUsd,
  price: { inputPerMillion: 0.14, cachedPerMillion: 0.028, outputPerMillion: 0.28, source: 'table' },
  samples: [1],
  kept: true,
  ...changes,
});

/** Where `paid` is given without `answers`, one answer is what it was paid for. */
export const outcomeOf = (id: string, changes: Partial<PromptOutcome> = {}): PromptOutcome => {
  const paid = changes.paid ?? { usage: usageOf(20, 10), costNanoUsd: 1_234_567 };
  return {
    item: { prompt_id: id, prompt: `Question ${id}?` },
    status: 'succeeded',
    completions: [completionOf(1, `One ${id}`), completionOf(2, `Two ${id}`)],
    paid,
    bill: { ...noBill, kept: paid },
    answers: [boughtOf(`answer of ${id}`, paid)],
    discarded: [],
    error: null,
    requests: [],
    lastRecordAt: new Map(),
    ...changes,
  };
};

export const nothingPaid: PromptOutcome['paid'] = { usage: usageOf(0, 0), costNanoUsd: 0 };

export const failedOutcome = (id: string): PromptOutcome =>
  outcomeOf(id, {
    status: 'failed',
    completions: [completionOf(1, 'Half')],
    paid: { usage: usageOf(10, 5), costNanoUsd: 617_283 },
    error: { type: 'Completion.Rejected', message: 'content policy', attempts: 2 },
  });

export const notRunOutcome = (id: string): PromptOutcome =>
  outcomeOf(id, { status: 'not_run', completions: [], paid: nothingPaid, answers: [] });

/** Of 12.346 seconds in {@link sourceOf}. */
const openRun = { run: 1, started_at: '2026-03-04T05:05:55.544Z', limits: manifestOf(1).limits };

export const sourceOf = (
  outcomes: PromptOutcome[],
  changes: Partial<Omit<ReportSource, 'manifest'>> & { manifest?: Partial<Manifest> } = {},
): ReportSource => ({
  state: 'succeeded' satisfies BatchState,
  open: { run: 1, at: '2026-03-04T05:06:07.890Z' },
  timestamp: new Date('2026-03-04T05:06:07.890Z'),
  async *outcomes() {
    yield* outcomes;
  },
  ...changes,
  manifest: manifestOf(outcomes.length, { runs: [openRun], ...changes.manifest }),
});

/** How a run ended that was cancelled before it did anything. */
export const cancelledOutcome: BatchOutcome = {
  state: 'cancelled',
  counts: { total: 1, pending: 0, running: 0, succeeded: 0, failed: 0, notRun: 1 },
  paid: { usage: { prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 }, costNanoUsd: 0 },
  ...{ resultsFile: '', csvFile: '', failuresFile: null, durationSeconds: 0, warnings: [] },
};
