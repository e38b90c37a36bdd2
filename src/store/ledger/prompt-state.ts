/** What a prompt's history means: pure, and the same for the activity, the reports and the status. */
import type { Paid, Usage } from '../../core/receipt.ts';
import type { RunLimits } from '../../core/settings.ts';
import type { AnswerMeta, PromptHistory } from './prompt-history.ts';
import {
  compareMoments,
  type FaultRecord,
  type Moment,
  type SettledRecord,
  type StartRecord,
} from './records.ts';

export interface ChosenAnswer {
  sample: number;
  answer: AnswerMeta;
  finishReason: string;
}

export interface PromptState {
  /** The end that counts; absent while the prompt is open. */
  settled: SettledRecord | null;
  /** One usable answer per sample that has any, by sample number. */
  chosen: ChosenAnswer[];
  /** Samples still to be bought. */
  missing: number[];
  /** A paid answer that is no success (empty, filtered, …) and has not been settled yet. */
  spoiled: { answer: AnswerMeta; sample: number; finishReason: string; blank: boolean } | null;
  /** Requests sent, over all runs. */
  requests: number;
  /** Requests in a row, up to the newest, that have neither answer nor fault: their worker died. */
  lostInARow: number;
  /** Faults of the prompt's own, of the present turns; with `retryEmpty`, answers without text too. */
  ownFaults: number;
  /** Since when, without an answer in between, the provider has been unavailable to this prompt; ms since 1970. */
  unavailableSince: number | null;
  /** `Unavailable` faults in a row, up to the newest. */
  unavailableInARow: number;
  paid: Paid;
}

/** A wait that outlives its planned delay by more than this was downtime of ours, not the provider's. */
const DOWNTIME_MS = 5 * 60_000;

/** What a run asks of an answer. What is settled stays as it was settled. */
export type Judgement = Pick<RunLimits, 'rejectTruncated' | 'retryEmpty'>;

/** Takes answers that were cut off at their token limit. */
export const LENIENT: Judgement = { rejectTruncated: false, retryEmpty: false };

const STRICT: Judgement = { rejectTruncated: true, retryEmpty: false };

/** Success is an answer that ended by itself, or at its token limit where that is good enough, and says something. */
export const isUsable = (
  choice: { finishReason: string; blank: boolean },
  { rejectTruncated }: Judgement,
): boolean =>
  (choice.finishReason === 'stop' || (choice.finishReason === 'length' && !rejectTruncated)) && !choice.blank;

/** The turns that faults and patience count in, and what time it is (ms since 1970). */
export interface Present {
  run: number;
  turn: number;
  /** First of the turns that count. Default: `turn`. */
  since?: number;
  at: number;
}

/** The end that counts; `null` while the prompt is open. */
export function endOf(history: Pick<PromptHistory, 'settled' | 'reopened'>): SettledRecord | null {
  const reopened = history.reopened.at(-1);
  return history.settled.findLast((end) => !reopened || compareMoments(end, reopened) > 0) ?? null;
}

/** Without `present`, faults and patience count in the turn of the newest fault, up to that fault. */
export function promptStateOf(
  history: PromptHistory,
  completions: number,
  present?: Present,
  judgement = LENIENT,
): PromptState {
  const { answers, faults } = history;
  const reopened = history.reopened.at(-1);
  const isLater = (record: Moment): boolean => !reopened || compareMoments(record, reopened) > 0;
  const settled = endOf(history);

  const chosen: ChosenAnswer[] = [];
  const missing: number[] = [];
  let spoiled: PromptState['spoiled'] = null;
  const named = settled ? answers.filter((answer) => settled.answers.includes(answer.id)) : answers;
  for (let sample = 1; sample <= completions; sample++) {
    const usableBy = (by: Judgement): ReturnType<typeof firstOf> =>
      firstOf(named, sample, (_, choice) => isUsable(choice, by));
    // An end names answers, of which one may hold a sample that was cut off, and another one the whole one that replaced it.
    const usable = settled ? (usableBy(STRICT) ?? usableBy(LENIENT)) : usableBy(judgement);
    if (usable) {
      chosen.push({ sample, answer: usable.answer, finishReason: usable.choice.finishReason });
      continue;
    }
    missing.push(sample);
    if (settled || spoiled) continue;
    const bad = firstOf(
      named,
      sample,
      (answer, choice) => isLater(answer) && !(judgement.retryEmpty && choice.blank),
    );
    if (bad) spoiled = { ...bad.choice, answer: bad.answer };
  }

  return {
    settled,
    chosen,
    missing,
    spoiled,
    requests: history.starts.length,
    lostInARow: lostInARow(history, isLater),
    ...troubles(history.starts, faults, answers, present, judgement),
    paid: paidFor(answers),
  };
}

/** The first of a sample's choices that matches, with its answer. */
function firstOf(
  answers: readonly AnswerMeta[],
  sample: number,
  matches: (answer: AnswerMeta, choice: AnswerMeta['choices'][number]) => boolean,
): { answer: AnswerMeta; choice: AnswerMeta['choices'][number] } | null {
  for (const answer of answers) {
    for (const choice of answer.choices) {
      if (choice.sample === sample && matches(answer, choice)) return { answer, choice };
    }
  }
  return null;
}

function lostInARow(
  { starts, answers, faults }: PromptHistory,
  counts: (start: StartRecord) => boolean,
): number {
  const isEnd =
    ({ id }: StartRecord) =>
    (end: AnswerMeta | FaultRecord): boolean =>
      end.start === id;
  const lastEnded = starts.findLastIndex(
    (start) => !counts(start) || answers.some(isEnd(start)) || faults.some(isEnd(start)),
  );
  return starts.length - 1 - lastEnded;
}

/** Whether a record is of the present turns. */
export const inTurnsOf =
  (present: Omit<Present, 'at'> | undefined) =>
  ({ run, turn }: Pick<Moment, 'run' | 'turn'>): boolean =>
    present !== undefined &&
    run === present.run &&
    turn <= present.turn &&
    turn >= (present.since ?? present.turn);

const NO_TROUBLES = Object.freeze({ ownFaults: 0, unavailableSince: null, unavailableInARow: 0 });

function troubles(
  starts: readonly StartRecord[],
  faults: readonly FaultRecord[],
  answers: readonly AnswerMeta[],
  present: Present | undefined,
  { retryEmpty }: Judgement,
): Pick<PromptState, 'ownFaults' | 'unavailableSince' | 'unavailableInARow'> {
  if (faults.length === 0 && !retryEmpty) return NO_TROUBLES;
  const isPresent = inTurnsOf(present ?? faults.at(-1));
  const ofTurn = faults.filter(isPresent);
  const lastAnswer = answers.at(-1);
  const sentAt = new Map(starts.map((start) => [start.id, Date.parse(start.at)]));
  let unavailableSince: number | null = null;
  let unavailableInARow = 0;
  let next = present?.at ?? null;
  for (const fault of ofTurn.toReversed()) {
    if (fault.failure !== 'Completion.Unavailable') break;
    if (lastAnswer && compareMoments(fault, lastAnswer) < 0) break;
    const at = Date.parse(fault.at);
    if (next !== null && next - at > (fault.retryDelayMs ?? 0) + DOWNTIME_MS) break;
    unavailableSince = at;
    unavailableInARow++;
    next = sentAt.get(fault.start) ?? at;
  }
  const blanks = answers.filter(
    (answer) => isPresent(answer) && answer.choices.some((choice) => choice.blank),
  );
  const ownFaults =
    ofTurn.filter((fault) => fault.failure === 'Completion.Fault').length + (retryEmpty ? blanks.length : 0);
  return { ownFaults, unavailableSince, unavailableInARow };
}

export const NO_USAGE: Usage = Object.freeze({ prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 });
export const NOTHING_PAID: Paid = Object.freeze({ usage: NO_USAGE, costNanoUsd: 0 });

export const addUsage = (a: Usage, b: Usage): Usage => ({
  prompt: a.prompt + b.prompt,
  completion: a.completion + b.completion,
  total: a.total + b.total,
  cached: a.cached + b.cached,
  reasoning: a.reasoning + b.reasoning,
});

export const addPaid = (a: Paid, b: Paid): Paid => ({
  usage: addUsage(a.usage, b.usage),
  costNanoUsd: a.costNanoUsd === null || b.costNanoUsd === null ? null : a.costNanoUsd + b.costNanoUsd,
});

/** Everything that came back is on the bill, used or not. */
export const paidFor = (answers: readonly AnswerMeta[]): Paid =>
  answers.reduce(
    (sum, answer) => addPaid(sum, { usage: answer.usage ?? NO_USAGE, costNanoUsd: answer.costNanoUsd }),
    NOTHING_PAID,
  );
