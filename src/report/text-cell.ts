/** What spreadsheets take for a formula's start: `=`, `+`, `-`, `@` and their full-width and small forms. */
const FORMULA_SIGN = '=+\\-@\uFF1D\uFF0B\uFF0D\uFF20\uFE66\uFE62\uFE63\uFE6B';
const sign = new RegExp(`[${FORMULA_SIGN}]`, 'u');

/**
 * A tab or a carriage return in front, or a formula sign behind white space or invisible
 * characters: wider than csv-stringify's `escape_formulas`, which looks at the first one only. Apostrophes in front
 * are looked past, so that removing one gives back any text.
 */
const looksLikeFormula = new RegExp(`^(?:'*[\\t\\r]|[\\s\\p{Cc}\\p{Cf}']*[${FORMULA_SIGN}])`, 'u');

/** What may stand between a separator and a formula sign. A quote is dropped by a reader that takes it for a cell's opening one. */
const beforeSign = /[\s\p{Cc}\p{Cf}"';]+/gu;

/**
 * Returns text for a CSV cell: one that a spreadsheet could run as a formula gets a leading `'`, and so does a part of it
 * that would be one in a file opened with a semicolon or a tab as separator.
 */
export const toTextCell = (text: string): string =>
  (looksLikeFormula.test(text) ? "'" : '') +
  text.replace(beforeSign, (run, at: number) =>
    // Only the next character is looked at: a lookahead would read a long run again from each of its characters.
    sign.test(text[at + run.length] ?? '') ? guardAfterLast(guardAfterLast(run, '\t'), ';') : run,
  );

const guardAfterLast = (run: string, separator: string): string => {
  const at = run.lastIndexOf(separator) + 1;
  return at === 0 ? run : `${run.slice(0, at)}'${run.slice(at)}`;
};
