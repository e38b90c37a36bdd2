/** How a batch gets its prompts done: a small one by itself, one of many shards by lending to them. */
import type { BatchLayout } from '../core/batch-layout.ts';
import type { BatchSurvey, RunSum } from '../core/prompt-task.ts';
import type { RunLimits } from '../core/settings.ts';
import type { ShardReport } from '../core/shard-protocol.ts';
import type { Tally } from '../core/batch-input.ts';
import type { PauseCause } from './pause-cause.ts';
import type { RunEnd } from './prompt-loop.ts';

/** The batch as its work sees it. */
export interface WorkHost {
  limits(): RunLimits;
  /** Prompts that may be in progress at this moment. */
  slots(): number;
  isCancelled(): boolean;
  /** How often a pause was lifted: tells what failed before from what fails now. */
  lifts(): number;
  tally(): Tally;
  /** Earlier runs have settled this much. */
  seed(before: RunSum): void;
  /** Prompts have settled: resolves when what follows from that is noted; `null`: nothing does. */
  counted(tally: Tally): Promise<void> | null;
  /** Something that is no prompt's fault stops the batch: resolves when that is noted. */
  halt(cause: PauseCause): Promise<void>;
  /** As {@link WorkHost.halt}: the next prompt may cost more than is left. */
  noRoom(worstCostNanoUsd: number | null): Promise<void>;
  /**
   * Store work that a full disk or a foreign file may stop: that pauses the batch, and it is tried again
   * when resumed. `null`: the batch is cancelled, and goes on without.
   */
  fromStore<T>(work: () => Promise<T>): Promise<T | null>;
}

export interface BatchWork {
  /** Prompts in progress, or about to be. */
  readonly running: number;
  /** Of the prompts that wait; `null` where it does not know them. */
  readonly pendingCompletions: number | null;
  /** Known and possibly paid, over all runs, in integer nano-USD. */
  readonly spentNanoUsd: number;
  readonly reservedNanoUsd: number;
  /** Shards left for another execution. */
  readonly rest: readonly number[];
  /** Part of `spentNanoUsd`: what this run has spent in shards that are left. */
  readonly spentInRest: NonNullable<BatchSurvey['spentInRun']>;
  /** Learns from the store what there is to do. */
  prepare(): Promise<void>;
  /** Resolves when there is nothing left to do in this execution, or as soon as `stopped` says so. */
  run(stopped: () => boolean): Promise<RunEnd>;
  /** Resolves when nothing is in progress; what still is when it is `over`, or at the end of `grace`, is cancelled. */
  drain(over: () => boolean, grace: string): Promise<void>;
  /** There are more shards from now on, those from `firstShard` on. */
  grow(layout: BatchLayout, firstShard: number): void;
  /** Hears from a shard. */
  applyReport(shard: number, report: ShardReport): void;
}
