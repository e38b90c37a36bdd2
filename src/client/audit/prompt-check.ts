/** One prompt of a report against what the ledger says of it now. */
import { toPossiblyPaid } from '../../report/tally/possibly-paid.ts';
import { toResult } from '../../report/results-json.ts';
import { outcomeOf, type PromptReading } from '../../store/ledger/batch-reading.ts';
import type { PromptHistory } from '../../store/ledger/prompt-history.ts';
import type { PromptOutcome } from '../../store/ledger/outcome.ts';
import { promptStateOf } from '../../store/ledger/prompt-state.ts';
import { toTerminalText } from '../render/terminal-text.ts';
import type { CheckName, Difference } from './findings.ts';
import { jsonDifferences } from './json-differences.ts';
import type { FoundRequest, FoundResult } from './open-report.ts';

export interface ReportedPrompt {
  result: FoundResult;
  possiblyPaid: FoundRequest[];
}

export interface PromptVerdict {
  differences: Difference[];
  /** What the report's totals are to be compared with. */
  outcome: PromptOutcome;
}

interface ReportFacts {
  simulated: boolean;
  /** ISO 8601: when the report was written. */
  reportedAt: string;
  /** Completions that were asked for. */
  completions: number;
}

/** Records written after the report, which it cannot know, are told apart from what is wrong in it. */
export async function checkPrompt(
  reading: PromptReading,
  found: ReportedPrompt,
  { simulated, reportedAt, completions }: ReportFacts,
): Promise<PromptVerdict> {
  const outcome = await outcomeOf(reading, true);
  const differences = compare(outcome, found, simulated);
  if (differences.length === 0) return { outcome, differences };

  const { history, late } = withoutLate(reading.history, idsOf(found), reportedAt);
  if (late.length > 0) {
    const promptState = promptStateOf(history, completions);
    const before = await outcomeOf({ ...reading, history, promptState }, true);
    if (compare(before, found, simulated).length === 0) {
      const message = `prompt ${shown(reading.item.prompt_id)}: the ledger has ${late.length} records more, written after the report (a late worker, or a later run)`;
      return { outcome: before, differences: [{ check: 'answers', message, records: late }] };
    }
  }
  return { outcome, differences };
}

const idsOf = ({ result, possiblyPaid }: ReportedPrompt): Set<string> =>
  new Set(
    [...result.completions, ...(result.discarded_answers ?? []), ...possiblyPaid].map(
      ({ record_id }) => record_id,
    ),
  );

function withoutLate(
  { starts, answers, faults, settled, reopened }: PromptHistory,
  known: ReadonlySet<string>,
  reportedAt: string,
): { history: PromptHistory; late: string[] } {
  const knownStarts = new Set(answers.filter(({ id }) => known.has(id)).map(({ start }) => start));
  const isLate = ({ id, at }: { id: string; at: string }): boolean =>
    at > reportedAt && !known.has(id) && !knownStarts.has(id);
  const all = [...starts, ...answers, ...faults, ...settled, ...reopened];
  return {
    history: {
      starts: starts.filter((record) => !isLate(record)),
      answers: answers.filter((record) => !isLate(record)),
      faults: faults.filter((record) => !isLate(record)),
      settled: settled.filter((record) => !isLate(record)),
      reopened: reopened.filter((record) => !isLate(record)),
    },
    late: all.filter(isLate).map(({ id }) => id),
  };
}

function compare(outcome: PromptOutcome, found: ReportedPrompt, simulated: boolean): Difference[] {
  const prompt = `prompt ${shown(outcome.item.prompt_id)}`;
  const expected = asWrittenThen(asJson(toResult(outcome, simulated)), found.result);
  const lost = asJson(toPossiblyPaid(outcome)) as FoundRequest[];
  const differences = [
    ...idDifferences(answersOf(expected), answersOf(found.result), 'answers', `${prompt}: answer`),
    ...idDifferences(lost, found.possiblyPaid, 'possiblyPaid', `${prompt}: request possibly paid`),
  ];
  // Where an answer is missing, everything else differs with it.
  if (differences.length > 0) return differences;
  const records = answersOf(expected).map(({ record_id }) => record_id);
  return [
    ...jsonDifferences(expected, found.result).map(({ path, ...values }) => {
      const answer = answerAt(expected, path);
      const check: CheckName = answer ? 'answers' : 'results';
      const ids = answer ? [answer.record_id] : records;
      return { check, message: `${prompt}: ${path}: ${valuesText(values)}`, records: ids };
    }),
    ...jsonDifferences(lost, found.possiblyPaid).map(({ path, ...values }) => ({
      check: 'possiblyPaid' as const,
      message: `${prompt}: possibly_paid${path}: ${valuesText(values)}`,
      records: [lost[Number(/^\[(\d+)\]/.exec(path)?.[1])]?.record_id ?? ''],
    })),
  ];
}

/** What 0.1.0 told of a discarded answer. */
const OLD_DISCARDED_FIELDS = ['record_id', 'samples', 'time', 'model', 'usage', 'estimated_cost'];

/** Reports of 0.1.0 tell of discarded answers without their texts, and not of those with a choice that is a completion. */
function asWrittenThen(expected: FoundResult, found: FoundResult): FoundResult {
  const { discarded_answers: discarded, ...rest } = expected;
  if (!discarded || found.discarded_answers?.some((answer) => 'choices' in answer)) return expected;
  const completions = new Set(expected.completions.map(({ record_id }) => record_id));
  const told = discarded
    .filter(({ record_id }) => !completions.has(record_id))
    .map((answer) =>
      Object.fromEntries(Object.entries(answer).filter(([name]) => OLD_DISCARDED_FIELDS.includes(name))),
    ) as FoundResult['discarded_answers'];
  return told?.length ? { ...rest, discarded_answers: told } : rest;
}

type Identified = { record_id: string };

const answersOf = ({ completions, discarded_answers = [] }: FoundResult): Identified[] => [
  ...completions,
  ...discarded_answers,
];

function answerAt(result: FoundResult, path: string): Identified | undefined {
  const [, list, position] = /^(completions|discarded_answers)\[(\d+)\]/.exec(path) ?? [];
  const answers = list === 'completions' ? result.completions : (result.discarded_answers ?? []);
  return list === undefined ? undefined : answers[Number(position)];
}

function idDifferences(
  expected: readonly Identified[],
  found: readonly Identified[],
  check: CheckName,
  what: string,
): Difference[] {
  const inLedger = new Set(expected.map(({ record_id }) => record_id));
  const inReport = new Set(found.map(({ record_id }) => record_id));
  const differences = (ids: string[], where: string): Difference[] =>
    ids.map((id) => ({ check, message: `${what} ${shown(id)} is ${where}`, records: [id] }));
  return [
    ...differences(
      [...inReport].filter((id) => !inLedger.has(id)),
      'in the report, not in the ledger',
    ),
    ...differences(
      [...inLedger].filter((id) => !inReport.has(id)),
      'in the ledger, not in the report',
    ),
  ];
}

const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const VALUE_COLUMNS = 60;
const shown = (text: string): string => toTerminalText(text, VALUE_COLUMNS);

/** What a report has and what the ledger says instead. */
export const valuesText = ({ expected, found }: { expected: unknown; found: unknown }): string => {
  const text = (value: unknown): string => (value === undefined ? 'nothing' : shown(JSON.stringify(value)));
  return `the report has ${text(found)}, the ledger says ${text(expected)}`;
};
