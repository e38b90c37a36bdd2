import { stringify } from 'csv-stringify/sync';
import type { PromptOutcome } from '../store/outcome.ts';
import { nanoUsdToDecimal } from './money.ts';
import { promptText } from './prompt-text.ts';
import { toTextCell } from './text-cell.ts';

export interface CsvShape {
  /** Number of completion columns. */
  completions: number;
  /** A simulated batch has one more column, the last, that says so in every row. */
  simulated: boolean;
}

/** RFC 4180: CRLF, quotes where needed. */
const toLine = (cells: string[]): string => stringify([cells], { record_delimiter: 'windows' });

const range = (length: number): number[] => Array.from({ length }, (_, at) => at + 1);

/** The byte order mark, by which Excel knows UTF-8, and the line of column names. */
export const csvHead = ({ completions, simulated }: CsvShape): string =>
  `\uFEFF${toLine([
    'prompt_id',
    'status',
    'prompt',
    ...range(completions).map((sample) => `completion_${sample}`),
    'tokens',
    'cost',
    'error',
    ...(simulated ? ['simulated'] : []),
  ])}`;

/** One prompt: a missing completion and an unknown cost are empty cells, costs are exact US dollars. */
export const csvRow = (outcome: PromptOutcome, { completions, simulated }: CsvShape): string => {
  const { item, paid, error } = outcome;
  const texts = new Map(outcome.completions.map(({ sample, text }) => [sample, text]));
  return toLine([
    toTextCell(item.prompt_id),
    outcome.status,
    toTextCell(promptText(item)),
    ...range(completions).map((sample) => toTextCell(texts.get(sample) ?? '')),
    String(paid.usage.total),
    paid.costNanoUsd === null ? '' : nanoUsdToDecimal(paid.costNanoUsd),
    error ? toTextCell(`${error.type}: ${error.message}`) : '',
    ...(simulated ? ['true'] : []),
  ]);
};
