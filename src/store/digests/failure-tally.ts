import type { FailureType } from '../../core/receipt.ts';
import type { PromptOutcome } from '../ledger/outcome.ts';
import { failureStep } from './failure-advice.ts';

export interface FailureGroup {
  type: FailureType;
  count: number;
  /** The first prompts with a message that none before them had. */
  examples: { promptId: string; message: string }[];
}

export type FailureTally = ReadonlyMap<FailureType, FailureGroup>;

export const noFailures: FailureTally = new Map();

const EXAMPLES = 3;

/** The groups with one more prompt, if it failed. */
export const failed = (
  tally: FailureTally,
  { item, error }: Pick<PromptOutcome, 'item' | 'error'>,
): FailureTally => {
  if (!error) return tally;
  const { type, message } = error;
  const { count, examples } = tally.get(type) ?? { count: 0, examples: [] };
  const isNew = examples.length < EXAMPLES && !examples.some((example) => example.message === message);
  const shown = isNew ? [...examples, { promptId: item.prompt_id, message }] : examples;
  return new Map(tally).set(type, { type, count: count + 1, examples: shown });
};

/** The groups with those of later prompts: as if each had been added by itself. */
export const withLater = (tally: FailureTally, later: readonly FailureGroup[]): FailureTally => {
  const sum = new Map(tally);
  for (const { type, count, examples } of later) {
    const known = sum.get(type) ?? { count: 0, examples: [] };
    const isNew = ({ message }: FailureGroup['examples'][number]): boolean =>
      !known.examples.some((example) => example.message === message);
    const shown = [...known.examples, ...examples.filter(isNew)].slice(0, EXAMPLES);
    sum.set(type, { type, count: known.count + count, examples: shown });
  }
  return sum;
};

/** The most frequent first. */
export const failureGroups = (tally: FailureTally): FailureGroup[] =>
  [...tally.values()].sort((a, b) => b.count - a.count);

export const toReportFailure = ({ type, count, examples }: FailureGroup, batchId: string) => ({
  type,
  count,
  advice: failureStep(type, batchId),
  examples: examples.map(({ promptId, message }) => ({ prompt_id: promptId, message })),
});
