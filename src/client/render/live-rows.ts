import { stripVTControlCharacters } from 'node:util';
import { textWidth } from './text-width.ts';

const DEFAULT_COLUMNS = 80;

export interface LiveRows {
  /** Draws rows over the ones drawn before. */
  draw(rowsFor: (columns: number) => string[]): void;
  /** Writes text that stays, above the rows. */
  above(text: string): void;
  /** Ends the drawing; the last rows stay. */
  leave(): void;
}

/** The last rows of a terminal, drawn over and over. The cursor rests behind the last row's text. */
export function createLiveRows(stream: { write(text: string): unknown; columns?: number }): LiveRows {
  let drawn: string[] = [];
  // One column stays free: some terminals wrap as soon as the last one is written to.
  const columns = (): number => Math.max(1, (stream.columns || DEFAULT_COLUMNS) - 1);

  /** Counts terminal lines, not rows: a terminal made narrower has wrapped what was drawn. */
  const erasure = (): string => {
    if (drawn.length === 0) return '';
    const width = stream.columns || DEFAULT_COLUMNS;
    const lines = drawn.reduce((sum, row) => {
      const rowWidth = textWidth(stripVTControlCharacters(row));
      return sum + Math.max(1, Math.ceil(rowWidth / width));
    }, 0);
    return `${lines > 1 ? `\u001b[${lines - 1}A` : ''}\r\u001b[J`;
  };

  return {
    draw: (rowsFor) => {
      const rows = rowsFor(columns());
      stream.write(erasure() + rows.join('\n'));
      drawn = rows;
    },
    above: (text) => {
      stream.write(`${erasure()}${text}\n${drawn.join('\n')}`);
    },
    leave: () => {
      if (drawn.length > 0) stream.write('\n');
      drawn = [];
    },
  };
}
