import { stringify } from 'csv-stringify/sync';
import type { PromptOutcome } from '../store/ledger/outcome.ts';
import { nanoUsdToDecimal } from '../core/money.ts';
import { promptText } from './prompt-text.ts';
import { toTextCell } from './text-cell.ts';

export interface CsvShape {
  /** Number of completion columns. */
  completions: number;
  /** A simulated batch has one more column, the last, that says so in every row. */
  simulated: boolean;
}

/** The most characters (UTF-16 units) that a cell of an Excel sheet can hold. */
export const EXCEL_CELL_CHARACTERS = 32_767;

/**
 * RFC 4180: CRLF after each record; a cell with a comma, a quote or a line break is quoted.
 * By itself csv-stringify quotes the record's own delimiter only, and neither a lone CR nor a lone LF.
 */
const toLine = (cells: string[]): string =>
  stringify([cells], { record_delimiter: 'windows', quoted_match: /[\r\n]/ });

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
  const { item, paid } = outcome;
  const texts = new Map(outcome.completions.map(({ sample, text }) => [sample, text]));
  return toLine([
    toTextCell(item.prompt_id),
    outcome.status,
    toTextCell(promptText(item)),
    ...range(completions).map((sample) => toTextCell(texts.get(sample) ?? '')),
    String(paid.usage.total),
    paid.costNanoUsd === null ? '' : nanoUsdToDecimal(paid.costNanoUsd),
    toTextCell(errorText(outcome)),
    ...(simulated ? ['true'] : []),
  ]);
};

const errorText = ({ error }: PromptOutcome): string => (error ? `${error.type}: ${error.message}` : '');

/** Returns how many of a prompt's cells are longer than a spreadsheet can show. */
export const countLongCells = (outcome: PromptOutcome): number => {
  const { item, completions } = outcome;
  const texts = [
    item.prompt_id,
    promptText(item),
    ...completions.map(({ text }) => text),
    errorText(outcome),
  ];
  return texts.filter((text) => toTextCell(text).length > EXCEL_CELL_CHARACTERS).length;
};
