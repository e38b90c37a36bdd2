/** What a prompt's history means: pure, and the same for the activity, the reports and the status. */
import type { Paid, Usage } from '../contract.ts';
import type { AnswerMeta, PromptHistory } from './ledger-reader.ts';
import type { FaultRecord, SettledRecord } from './records.ts';

export interface ChosenAnswer {
  sample: number;
  answer: AnswerMeta;
  finishReason: string;
}

export interface Standing {
  /** The end that counts; absent while the prompt is open. */
  settled: SettledRecord | null;
  /** One usable answer per sample that has any, by sample number. */
  chosen: ChosenAnswer[];
  /** Samples still to be bought. */
  missing: number[];
  /** A paid answer that is no success (empty, filtered, …) and has not been settled yet. */
  spoiled: { answer: AnswerMeta; sample: number; finishReason: string } | null;
  /** Requests sent, over all runs. */
  requests: number;
  /** Requests in a row, up to the newest, that have neither answer nor fault: their worker died. */
  lostInARow: number;
  /** Faults of the prompt's own, of the present turn. */
  ownFaults: number;
  /** Since when, without an answer in between, the provider has been unavailable to this prompt; ms since 1970. */
  unavailableSince: number | null;
  /** `Unavailable` faults in a row, up to the newest. */
  unavailableInARow: number;
  paid: Paid;
}

/** Where a record stands in time: run, turn and attempt first, the clock only within one attempt. */
interface Moment {
  run: number;
  turn: number;
  attempt: number;
  at: string;
}

/** A wait that outlives its planned delay by more than this was downtime of ours, not the provider's. */
const DOWNTIME_MS = 5 * 60_000;

const compareMoments = (a: Moment, b: Moment): number =>
  a.run - b.run || a.turn - b.turn || a.attempt - b.attempt || (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);

/** Success is an answer that ended by itself or at its token limit and says something. */
const isUsable = (choice: { finishReason: string; blank: boolean }): boolean =>
  (choice.finishReason === 'stop' || choice.finishReason === 'length') && !choice.blank;

/**
 * `turn` limits what counts against the prompt (faults, patience) to the present turn; without it,
 * to the newest one.
 */
export function standingOf(
  history: PromptHistory,
  completions: number,
  present?: { run: number; turn: number },
): Standing {
  const settled = history.settled.toSorted(compareMoments).at(-1) ?? null;
  const answers = history.answers.toSorted(compareMoments);
  const faults = history.faults.toSorted(compareMoments);

  const chosen: ChosenAnswer[] = [];
  let spoiled: Standing['spoiled'] = null;
  const named = settled ? answers.filter((answer) => settled.answers.includes(answer.id)) : answers;
  for (let sample = 1; sample <= completions; sample++) {
    for (const answer of named) {
      const choice = answer.choices.find((candidate) => candidate.sample === sample);
      if (!choice) continue;
      if (isUsable(choice)) {
        chosen.push({ sample, answer, finishReason: choice.finishReason });
        break;
      }
      spoiled ??= { answer, sample, finishReason: choice.finishReason };
    }
  }
  const have = new Set(chosen.map(({ sample }) => sample));
  if (spoiled && (settled || have.has(spoiled.sample))) spoiled = null;

  return {
    settled,
    chosen,
    missing: Array.from({ length: completions }, (_, i) => i + 1).filter((sample) => !have.has(sample)),
    spoiled,
    requests: history.starts.length,
    lostInARow: lostInARow(history),
    ...troubles(faults, answers, present),
    paid: paidFor(answers),
  };
}

function lostInARow(history: PromptHistory): number {
  const ended = new Set([...history.answers, ...history.faults].map((end) => end.start));
  const starts = history.starts.toSorted(compareMoments);
  const lastEnded = starts.findLastIndex((start) => ended.has(start.id));
  return starts.length - 1 - lastEnded;
}

function troubles(
  faults: readonly FaultRecord[],
  answers: readonly AnswerMeta[],
  present: { run: number; turn: number } | undefined,
): Pick<Standing, 'ownFaults' | 'unavailableSince' | 'unavailableInARow'> {
  const newest = present ?? faults.at(-1);
  const ofTurn = faults.filter((fault) => fault.run === newest?.run && fault.turn === newest.turn);
  const lastAnswer = answers.at(-1);
  let unavailableSince: number | null = null;
  let unavailableInARow = 0;
  let next: number | null = null;
  for (const fault of ofTurn.toReversed()) {
    if (fault.failure !== 'Completion.Unavailable') break;
    if (lastAnswer && compareMoments(fault, lastAnswer) < 0) break;
    const at = Date.parse(fault.at);
    if (next !== null && next - at > (fault.retryDelayMs ?? 0) + DOWNTIME_MS) break;
    unavailableSince = next = at;
    unavailableInARow++;
  }
  const ownFaults = ofTurn.filter((fault) => fault.failure === 'Completion.Fault').length;
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
