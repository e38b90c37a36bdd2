/** When a shard tells its batch how things stand: at once where slots or money wait for it, otherwise now and then. */
import type { ShardReport, ShardLoan } from '../../core/shard-protocol.ts';

/** Reports that only bring news of settled prompts stand at least this far apart. */
export const MIN_NEWS_MS = 1000;
const MAX_NEWS_MS = 5000;
/** A shard that takes hours tells its news in steps of this share of its age: its history stays short. */
const SHARE_OF_AGE = 1 / 50;

/** Likewise a batch: the shards it starts later tell their news more seldom. `ageMs`: since it began. */
export const newsEveryMs = (ageMs: number): number =>
  Math.min(MAX_NEWS_MS, Math.max(MIN_NEWS_MS, Math.round(ageMs * SHARE_OF_AGE)));

export interface ReportPace {
  /** Slots or money are to be given back or are wanted, or something stops the shard. */
  isUrgent(draft: ShardReport, loan: ShardLoan): boolean;
  /** Prompts have settled since the last report. */
  isNews(draft: ShardReport): boolean;
  /** Until news may be told. `now`: ms since 1970. */
  waitMs(now: number): number;
  sent(report: ShardReport, now: number): void;
  /** The last one did not arrive: all that it said is news again. */
  lost(): void;
}

/** `startedAt`: ms since 1970; `leastMs` apart are reports that only bring news. */
export function createReportPace(startedAt: number, leastMs = MIN_NEWS_MS): ReportPace {
  let last: ShardReport | null = null;
  let sentAt = startedAt;
  return {
    isUrgent: (draft, { nanoUsd, keepMoneyFor }) =>
      draft.returnedSlots > (last?.returnedSlots ?? 0) ||
      draft.dry !== (last?.dry ?? false) ||
      isStuck(draft) !== isStuck(last) ||
      (draft.wants === null) !== ((last?.wants ?? null) === null) ||
      draft.halt?.lifts !== last?.halt?.lifts ||
      // Money that was lent on sight comes back as soon as the shard knows what it needs.
      (draft.returnedNanoUsd > 0 && (last?.returnedNanoUsd ?? 0) === 0) ||
      // The batch waits for this answer before it says that the money is at an end.
      (draft.loan > (last?.loan ?? 0) &&
        nanoUsd !== null &&
        (draft.wants !== null || keepMoneyFor !== 'queue')) ||
      // It also waits for what a shard that was started again had spent before.
      (draft.execution > 1 &&
        nanoUsd !== null &&
        draft.spentBeforeNanoUsd !== null &&
        (last?.spentBeforeNanoUsd ?? null) === null),
    isNews: ({ tally }) => settledOf(tally) !== settledOf(last?.tally),
    waitMs: (now) => sentAt + Math.max(leastMs, (now - startedAt) * SHARE_OF_AGE) - now,
    sent: (report, now) => {
      last = report;
      sentAt = now;
    },
    lost: () => {
      last = null;
    },
  };
}

const isStuck = (report: ShardReport | null): boolean =>
  report !== null && report.wants !== null && report.running === 0;

const settledOf = (tally: ShardReport['tally'] | undefined): number =>
  tally ? tally.succeeded + tally.failed : 0;
