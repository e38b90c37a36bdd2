import type { BoughtAnswer } from '../../store/ledger/outcome.ts';

/** What was odd about the counts and costs of answers. */
export interface AnswerTally {
  all: number;
  /** No token count came back with them. */
  uncounted: number;
  /** Their token count cannot be true. */
  doubtful: number;
  /** They cost more than their request could. */
  overcharged: number;
  /** By this much, all together. */
  overchargedNanoUsd: bigint;
}

export const noAnswers: AnswerTally = {
  all: 0,
  uncounted: 0,
  doubtful: 0,
  overcharged: 0,
  overchargedNanoUsd: 0n,
};

export const withAnswers = (tally: AnswerTally, answers: readonly BoughtAnswer[]): AnswerTally =>
  answers.reduce(withAnswer, tally);

function withAnswer(tally: AnswerTally, answer: BoughtAnswer): AnswerTally {
  const { usage, doubtfulUsage, costNanoUsd, worstCostNanoUsd = null } = answer;
  const above =
    costNanoUsd === null || worstCostNanoUsd === null ? 0 : Math.max(0, costNanoUsd - worstCostNanoUsd);
  return {
    all: tally.all + 1,
    uncounted: tally.uncounted + (usage === null && !doubtfulUsage ? 1 : 0),
    doubtful: tally.doubtful + (doubtfulUsage ? 1 : 0),
    overcharged: tally.overcharged + (above > 0 ? 1 : 0),
    overchargedNanoUsd: tally.overchargedNanoUsd + BigInt(above),
  };
}
