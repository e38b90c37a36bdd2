/** What a batch knows of one execution of one of its shards. */
import type { ShardReport, ShardLoan, ShardTally } from '../../core/shard-protocol.ts';
import { exposedNanoUsd, type MoneyLoan } from './lend-money.ts';
import { heldSlots, type SlotLoan } from './lend-slots.ts';

export interface LiveShard extends SlotLoan, MoneyLoan {
  number: number;
  /** From 1: a shard that ends out of turn is started again. */
  execution: number;
  /** From its newest report, or from that of the execution before. */
  tally: ShardTally;
  running: number;
  /** Of the prompt that waits for money. */
  worstCostNanoUsd: number | null;
  /** `dead`: it ended out of turn; what it was lent is not lent on before its prompts must have noticed. */
  phase: 'new' | 'starting' | 'open' | 'dead';
  /** The newest loan on its way to it, or there. */
  sent: ShardLoan | null;
  isSending: boolean;
}

export const newLiveShard = (number: number, execution: number, tally: ShardTally): LiveShard => ({
  ...{ number, execution, tally, phase: 'new', sent: null, isSending: false },
  ...{ slots: 0, keepSlots: 0, returnedSlots: 0, dry: false, running: 0 },
  ...{ nanoUsd: null, isUncounted: false, keepMoneyFor: 'queue', returnedNanoUsd: 0, reservedNanoUsd: 0 },
  ...{ spentBeforeNanoUsd: 0, spentNanoUsd: 0, missingNanoUsd: null, worstCostNanoUsd: null },
  ...{ isIdle: true, isUpToDate: false },
});

/** Returns the execution after one that ended out of turn. Until it has read its ledger, it counts at the worst case of the last report. */
export const restartShard = (shard: LiveShard): LiveShard => ({
  ...newLiveShard(shard.number, shard.execution + 1, shard.tally),
  spentBeforeNanoUsd: exposedNanoUsd(shard),
  isUncounted: shard.isUncounted,
});

/**
 * Applies a report of the shard. Returns false, and changes nothing, if it comes from another execution or from one that is
 * dead. The report of a shard that has not read its plan yet does not change what was spent before.
 */
export function applyShardReport(shard: LiveShard, report: ShardReport): boolean {
  const { execution, wants } = report;
  if (execution !== shard.execution || shard.phase === 'dead') return false;
  Object.assign(shard, {
    returnedSlots: report.returnedSlots,
    dry: report.dry,
    running: report.running,
    returnedNanoUsd: report.returnedNanoUsd,
    spentNanoUsd: report.spentNanoUsd,
    reservedNanoUsd: report.reservedNanoUsd,
    missingNanoUsd: wants && wants.missingNanoUsd,
    worstCostNanoUsd: wants && wants.worstCostNanoUsd,
    isIdle: report.running === 0,
    isUpToDate: isAnswer(shard, report),
  } satisfies Partial<LiveShard>);
  const { spentBeforeNanoUsd, tally } = report;
  if (spentBeforeNanoUsd !== null)
    Object.assign(shard, { spentBeforeNanoUsd, tally } satisfies Partial<LiveShard>);
  return true;
}

/** Whether it answers the newest loan: not one before which another is due, nor by a shard that was started again and has not read what it had spent. */
const isAnswer = (
  { execution, nanoUsd, keepMoneyFor, sent }: LiveShard,
  { loan, spentBeforeNanoUsd }: ShardReport,
): boolean =>
  loan === sent?.version &&
  nanoUsd === sent.nanoUsd &&
  keepMoneyFor === sent.keepMoneyFor &&
  (execution === 1 || spentBeforeNanoUsd !== null);

/** Its prompts in progress, or about to be: all its slots, unless it waits for money. */
export const inProgress = (shard: LiveShard): number =>
  shard.missingNanoUsd === null ? heldSlots(shard) : shard.running;

type LoanTerms = Omit<ShardLoan, 'version'>;

/** The next message to a shard; `null` if it knows all that. */
export function nextLoan(
  shard: LiveShard,
  terms: Pick<LoanTerms, 'limits' | 'lifts' | 'stop'>,
): ShardLoan | null {
  const { slots, keepSlots, nanoUsd, keepMoneyFor, sent } = shard;
  const loan: LoanTerms = { slots, keepSlots, nanoUsd, keepMoneyFor, ...terms };
  if (sent && isSame(loan, sent, heldSlots(shard))) return null;
  return { ...loan, version: (sent?.version ?? 0) + 1 };
}

/** What it gives back by itself it need not be told. */
const isSame = (loan: LoanTerms, sent: ShardLoan, held: number): boolean =>
  loan.slots === sent.slots &&
  loan.keepSlots === Math.min(sent.keepSlots, held) &&
  loan.nanoUsd === sent.nanoUsd &&
  loan.keepMoneyFor === sent.keepMoneyFor &&
  loan.limits === sent.limits &&
  loan.lifts === sent.lifts &&
  loan.stop === sent.stop;
