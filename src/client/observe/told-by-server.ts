/**
 * What a Temporal server says of a batch. Only values of the expected form are used: anyone who reaches the server can
 * start a workflow with any memo, and answer any query.
 */
import type { BatchOutcome } from '../../core/outcome.ts';
import {
  type BatchState,
  batchStates,
  type Counts,
  type Pause,
  pauseReasonNames,
  type Progress,
} from '../../core/progress.ts';
import { type FailureCounts, isFailureCounts, isPaid, type Paid } from '../../core/receipt.ts';
import {
  type Is,
  isFinite,
  isFlag,
  isLike,
  isListOf,
  isOneOf,
  isText,
  isWhole,
  orNull,
} from '../../core/shape.ts';

export interface BatchMemo {
  /** In one line, also where the page has lost its summary. */
  about?: string;
  store?: { uuid: string; outputDir: string; host: string };
  name?: string;
  /** The hash over its requests, with its version, as `2-<64 hex>`. */
  hash?: string;
  simulated?: boolean;
  state?: BatchState;
  pause?: Pause | null;
  counts?: Counts;
  failuresByType?: FailureCounts;
  paid?: Paid;
  results?: Pick<BatchOutcome, 'resultsFile' | 'csvFile' | 'failuresFile'>;
}

/** Failures and pauses carry a provider's message. */
const isMessage = isText(100_000);
const isPath = isText(10_000);
const isPause = isLike(
  { reason: isOneOf(...pauseReasonNames), message: isMessage, since: isText() },
  { by: isText(), neededNanoUsd: isFinite, overcharged: isFlag },
);
const isCounts = isLike({
  total: isWhole(),
  pending: isWhole(),
  running: isWhole(),
  succeeded: isWhole(),
  failed: isWhole(),
  notRun: isWhole(),
});
const isState = isOneOf(...batchStates);

const memoFields: Readonly<Record<keyof BatchMemo, Is>> = {
  about: isMessage,
  store: isLike({ uuid: isText(), outputDir: isPath, host: isText() }),
  name: isText(),
  hash: isText(),
  simulated: isFlag,
  state: isState,
  pause: orNull(isPause),
  counts: isCounts,
  failuresByType: isFailureCounts,
  paid: isPaid,
  results: isLike({ resultsFile: isPath, csvFile: isPath, failuresFile: orNull(isPath) }),
};

/** The fields of a memo that have the form they should have. */
export const toBatchMemo = (memo: Readonly<Record<string, unknown>> = {}): BatchMemo =>
  Object.fromEntries(
    Object.entries(memoFields).flatMap(([name, is]) => (is(memo[name]) ? [[name, memo[name]]] : [])),
  );

const isProgressLike = isLike({
  state: isState,
  pause: orNull(isPause),
  counts: isCounts,
  paid: isPaid,
  promptsPerSecond: isFinite,
  etaSeconds: orNull(isFinite),
  maxWorkers: isWhole(),
  autoWorkers: orNull(isLike({ slots: isFinite, ceiling: isFinite, reason: isText() })),
  budget: orNull(isLike({ maxCostNanoUsd: isFinite, spentNanoUsd: isFinite, reservedNanoUsd: isFinite })),
  lastFailures: isListOf(isLike({ promptId: isMessage, type: isText(), message: isMessage }), 100),
  failuresByType: isFailureCounts,
});

export const isProgress = (value: unknown): value is Progress => isProgressLike(value);
