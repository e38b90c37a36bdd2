/** A batch that lends to its shards, put together from the pure parts as the workflows do it, with messages that take their time. */
import type { RunLimits } from '../../src/core/settings.ts';
import type { ShardReport, ShardLoan } from '../../src/core/shard-protocol.ts';
import { createReportPace } from '../../src/workflows/shards/report-pace.ts';
import { createBudget } from '../../src/workflows/budget.ts';
import { lendMoney } from '../../src/workflows/shards/lend-money.ts';
import { heldSlots, lendSlots } from '../../src/workflows/shards/lend-slots.ts';
import {
  type LiveShard,
  newLiveShard,
  nextLoan,
  restartShard,
  applyShardReport,
} from '../../src/workflows/shards/live-shard.ts';
import { moneyToReturn, slotsToReturn } from '../../src/workflows/shards/shard-surplus.ts';
import { newShardTally } from '../../src/workflows/tally.ts';
import { batchInput } from './workflow-harness.ts';

/** What one prompt may cost at most, by its number. */
export type WorstCosts = Map<number, number>;

const HOUR_MS = 3_600_000;

class ModelShard {
  readonly live: LiveShard;
  /** As it was delivered; `null`: it has not begun. */
  loan: ShardLoan | null = null;
  /** On its way to the batch. */
  account: ShardReport | null = null;
  readonly running = new Map<number, number>();
  readonly budget = createBudget();
  readonly #pace = createReportPace(0);
  #isRead = false;
  #returnedSlots = 0;
  #returnedNanoUsd = 0;
  readonly #spentBefore: number;
  readonly #open: WorstCosts;

  /** `spentBefore`: what the ledger knows of earlier executions. */
  constructor(live: LiveShard, open: WorstCosts, spentBefore: number) {
    this.live = live;
    this.#open = open;
    this.#spentBefore = spentBefore;
  }

  get isDone(): boolean {
    return this.#isRead && this.#open.size === 0 && this.running.size === 0;
  }

  read(): boolean {
    const isNew = this.loan !== null && !this.#isRead;
    this.#isRead ||= isNew;
    return isNew;
  }

  deliver(): boolean {
    const { sent } = this.live;
    if (!sent || sent === this.loan) return false;
    this.loan = sent;
    return true;
  }

  acknowledge(): boolean {
    const { live, loan } = this;
    const isThere = loan === live.sent && (live.isSending || live.phase === 'starting');
    if (isThere) Object.assign(live, { isSending: false, phase: 'open' });
    return isThere;
  }

  start(): boolean {
    const [next] = this.#open;
    if (!next || !this.#hasSlot() || !this.budget.fits(next[1], this.#held())) return false;
    this.#open.delete(next[0]);
    this.running.set(...next);
    this.budget.reserve(...next);
    return true;
  }

  /** The prompt that is longest in progress ends, and has cost this share of what it might have. */
  finish(share: number): boolean {
    const [first] = this.running;
    if (!first) return false;
    this.running.delete(first[0]);
    this.budget.settle(first[0], Math.floor(first[1] * share));
    return true;
  }

  /** Tells what may not wait; with `news`, whatever there is to tell. */
  report(news: boolean): boolean {
    if (this.loan === null || this.account !== null) return false;
    const draft = this.#draft();
    if (!this.#pace.isUrgent(draft, this.loan) && !(news && this.#pace.isNews(draft))) return false;
    this.account = draft;
    ({ returnedSlots: this.#returnedSlots, returnedNanoUsd: this.#returnedNanoUsd } = draft);
    this.#pace.sent(draft, HOUR_MS);
    return true;
  }

  #held(): number | null {
    const nanoUsd = this.loan?.nanoUsd ?? null;
    return nanoUsd === null ? null : nanoUsd - this.#returnedNanoUsd;
  }

  #hasSlot(): boolean {
    if (this.loan === null || !this.#isRead) return false;
    const { slots, keepSlots } = this.loan;
    return this.running.size < Math.min(slots - this.#returnedSlots, keepSlots);
  }

  #draft(): ShardReport {
    const { spentNanoUsd, reservedNanoUsd } = this.budget;
    const { version, slots, keepSlots: keep, keepMoneyFor: keepFor } = this.loan!;
    const [next] = this.#open;
    const held = slots - this.#returnedSlots;
    const money = this.#held();
    const unreserved = money === null ? null : money - spentNanoUsd - reservedNanoUsd;
    const queue = this.#isRead
      ? [...this.#open.values()].map((worstCostNanoUsd) => ({ worstCostNanoUsd }))
      : null;
    const toReturn = moneyToReturn({ unreserved, keepFor, queue, slots: held });
    const dry = this.#isRead && this.#open.size === 0;
    const running = this.running.size;
    const isWaiting = next !== undefined && this.#hasSlot() && !this.budget.fits(next[1], money);
    return {
      ...{ execution: this.live.execution, loan: version, running, dry, spentNanoUsd, reservedNanoUsd },
      returnedSlots: this.#returnedSlots + slotsToReturn({ held, keep, running, dry }),
      returnedNanoUsd: this.#returnedNanoUsd + toReturn,
      spentBeforeNanoUsd: this.#isRead ? this.#spentBefore : null,
      wants: isWaiting
        ? { worstCostNanoUsd: next[1], missingNanoUsd: Math.max(0, next[1] - (unreserved ?? 0) + toReturn) }
        : null,
      tally: { ...newShardTally(), succeeded: spentNanoUsd },
      halt: null,
    };
  }
}

export class LendingModel {
  readonly slots: number;
  readonly #open: WorstCosts[];
  readonly #shards: (ModelShard | null)[];
  readonly #spent: number[];
  #spentBefore = 0;
  #limits: RunLimits = batchInput('batch', { prompts: 1 }).settings.limits;

  constructor(slots: number, shards: readonly (readonly number[])[]) {
    this.slots = slots;
    this.#open = shards.map((worstCosts) => new Map(worstCosts.entries()));
    this.#spent = shards.map(() => 0);
    this.#shards = shards.map(() => null);
  }

  get cap(): number | null {
    return this.#limits.maxCostNanoUsd;
  }

  /** What has been spent, and what prompts in progress may still spend. */
  get committedNanoUsd(): number {
    return this.#living().reduce(
      (sum, { budget }) => sum + budget.spentNanoUsd + budget.reservedNanoUsd,
      this.#spent.reduce((sum, nanoUsd) => sum + nanoUsd, 0),
    );
  }

  /** Every prompt has been started. */
  get isOver(): boolean {
    return this.#open.every(({ size }) => size === 0);
  }

  /** Of the next prompt of each shard that has a slot for it: one without any asks for no money. */
  get nextWorstCosts(): number[] {
    return this.#living()
      .filter(({ live }) => heldSlots(live) > 0)
      .flatMap(({ live }) => [...this.#open[live.number]!.values()].slice(0, 1));
  }

  set(maxCostNanoUsd: number | null): void {
    this.#limits = { ...this.#limits, maxCostNanoUsd };
  }

  /** The shard of this number, as soon as it is to be lent to. */
  begin(at: number): boolean {
    if (this.#shards[at] || this.#open[at]!.size === 0) return false;
    this.#shards[at] = new ModelShard(newLiveShard(at, 1, newShardTally()), this.#open[at]!, 0);
    return true;
  }

  /** False: nothing is in progress anywhere that could make room for the next prompt. */
  plan(): boolean {
    const live = this.#living().map((shard) => shard.live);
    lendSlots(live, this.slots, 3);
    const hasRoom = lendMoney(live, this.#spentBefore, this.cap);
    for (const shard of live) this.#post(shard);
    return hasRoom;
  }

  deliver = (at: number): boolean => this.#shards[at]?.deliver() ?? false;
  read = (at: number): boolean => this.#shards[at]?.read() ?? false;
  finish = (at: number, share: number): boolean => this.#shards[at]?.finish(share) ?? false;
  report = (at: number, news: boolean): boolean => this.#shards[at]?.report(news) ?? false;

  acknowledge(at: number): boolean {
    const shard = this.#shards[at];
    if (!shard?.acknowledge()) return false;
    this.#post(shard.live);
    return true;
  }

  /** `null`: it did not. Otherwise whether it was lent to under the cap as it is. */
  start(at: number): boolean | null {
    const shard = this.#shards[at];
    if (!shard?.start()) return null;
    const { limits, nanoUsd } = shard.loan!;
    return limits === this.#limits && nanoUsd !== null;
  }

  hear(at: number): boolean {
    const shard = this.#shards[at];
    if (!shard?.account) return false;
    applyShardReport(shard.live, shard.account);
    shard.account = null;
    return true;
  }

  /** Ends as it should. */
  end(at: number): boolean {
    const shard = this.#shards[at];
    if (!shard?.isDone) return false;
    this.#spentBefore += this.#spent[at]! + shard.budget.spentNanoUsd;
    this.#spent[at]! += shard.budget.spentNanoUsd;
    this.#shards[at] = null;
    return true;
  }

  /** Is terminated, and started again when its prompts in progress have ended. */
  dieAndBeginAgain(at: number): void {
    const dead = this.#shards[at];
    if (!dead || this.#open[at]!.size === 0) return;
    this.#spent[at]! += dead.budget.spentNanoUsd + dead.budget.reservedNanoUsd;
    this.#shards[at] = new ModelShard(restartShard(dead.live), this.#open[at]!, this.#spent[at]!);
  }

  #living(): ModelShard[] {
    return this.#shards.filter((shard) => shard !== null);
  }

  #post(live: LiveShard): void {
    if (live.isSending || live.phase === 'starting') return;
    const terms = { limits: this.#limits, lifts: 0, stop: 'no' as const };
    const loan = nextLoan(live, terms);
    if (!loan) return;
    const isNew = live.phase === 'new';
    Object.assign(live, {
      sent: loan,
      isUpToDate: false,
      isSending: !isNew,
      phase: isNew ? 'starting' : 'open',
    });
  }
}
