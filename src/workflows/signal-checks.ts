/** Whether what workflows and workers tell each other is what it should be: whoever has the Temporal CLI may send anything. */
import type { ShardReport, ShardLoan } from '../core/shard-protocol.ts';
import type { WorkerPace } from '../core/batch-input.ts';
import { isFailureCounts, isPaid } from '../core/receipt.ts';
import {
  isFinite,
  isFlag,
  isLike,
  isListOf,
  isNumber,
  isOneOf,
  isText,
  isWhole,
  orNull,
} from '../core/shape.ts';

/** Failures are told with their provider's message. */
const isMessage = isText(100_000);
const isAmount = orNull(isFinite);

const isShardTally = isLike(
  {
    succeeded: isWhole(),
    failed: isWhole(),
    paid: isPaid,
    lastFailures: isListOf(isLike({ promptId: isMessage, type: isText(), message: isMessage }), 5),
    sameFailure: orNull(isMessage),
  },
  {
    failuresByType: isFailureCounts,
    spans: orNull(isLike({ count: isFinite, meanMs: isFinite, completions: isFinite, slowestMs: isFinite })),
  },
);

const isReport = isLike({
  execution: isWhole(),
  loan: isWhole(),
  returnedSlots: isWhole(),
  returnedNanoUsd: isFinite,
  spentBeforeNanoUsd: isAmount,
  spentNanoUsd: isFinite,
  reservedNanoUsd: isFinite,
  running: isWhole(),
  dry: isFlag,
  wants: orNull(isLike({ worstCostNanoUsd: isAmount, missingNanoUsd: isFinite })),
  tally: isShardTally,
  halt: orNull(isLike({ reason: isText(), message: isMessage, lifts: isWhole() })),
});

export const isShardReport = (shard: unknown, report: unknown): report is ShardReport =>
  isWhole()(shard) && isReport(report);

const isShardLoan = isLike({
  version: isWhole(),
  slots: isWhole(),
  keepSlots: isWhole(),
  nanoUsd: isAmount,
  keepMoneyFor: isOneOf('queue', 'slots', 'nothing'),
  limits: isLike({
    maxWorkers: isWhole(1),
    requestTimeoutMs: isNumber(1, Number.MAX_SAFE_INTEGER),
    maxCostNanoUsd: isAmount,
  }),
  lifts: isWhole(),
  stop: isOneOf('no', 'drain', 'now'),
});

export const isLoan = (loan: unknown): loan is ShardLoan => isShardLoan(loan);

const isWorkerPace = isLike({ worker: isText(), slots: isWhole(), reason: isText() });

export const isPace = (pace: unknown): pace is WorkerPace => isWorkerPace(pace);

const isRates = isLike({ requests: isAmount, tokens: isAmount });
const holderFields = { worker: isText(), batchId: isText() };

export const isLeaseHolder: (holder: unknown) => boolean = isLike(holderFields);
export const isLeaseRequest: (request: unknown) => boolean = isLike({
  ...holderFields,
  limits: isRates,
  wants: isRates,
  seen: isWhole(),
  dead: isListOf(isText(), 10_000),
});
