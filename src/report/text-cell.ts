/** What spreadsheets take for a formula's start: `=`, `+`, `-`, `@` and their full-width and small forms. */
const FORMULA_SIGN = '=+\\-@\uFF1D\uFF0B\uFF0D\uFF20\uFE66\uFE62\uFE63\uFE6B';

/**
 * A tab or a carriage return in front, or a formula sign behind white space or invisible
 * characters: wider than csv-stringify's `escape_formulas`, which looks at the first one only.
 */
const looksLikeFormula = new RegExp(`^(?:[\\t\\r]|[\\s\\p{Cc}\\p{Cf}]*[${FORMULA_SIGN}])`, 'u');

/** Text for a CSV cell: one that a spreadsheet could run as a formula gets a leading `'`. */
export const toTextCell = (text: string): string => (looksLikeFormula.test(text) ? `'${text}` : text);
