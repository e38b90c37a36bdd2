import { stripVTControlCharacters } from 'node:util';
import { joinTerminal, type TerminalText, terminalLines } from '../../../system/terminal-output.ts';
import { linesTaken } from '../text-width.ts';

const DEFAULT_COLUMNS = 80;
const DEFAULT_LINES = 24;

/** A terminal, or what may be one. Its size is read at every draw. */
export interface LiveStream {
  write(text: TerminalText): unknown;
  columns?: number;
  /** How many lines it shows. */
  rows?: number;
  /** Calls whenever the size has changed; answers how to stop that. */
  onResize?(listener: () => void): () => void;
}

/** What fits: rows no wider than `columns`, and no more than `lines` of them. */
export type RowsFor = (columns: number, lines: number) => string[];

export interface LiveRows {
  /** Draws rows over the ones drawn before. */
  draw(rowsFor: RowsFor): void;
  /** Writes lines that stay, above the rows. */
  above(lines: TerminalText): void;
  /** Ends the drawing; the last rows stay. */
  leave(): void;
}

/** The last rows of a terminal, drawn over and over. The cursor rests behind the last row's text. */
export function createLiveRows(stream: LiveStream): LiveRows {
  let drawn: string[] = [];
  let latest: RowsFor | null = null;
  let unlisten: (() => void) | null = null;
  // One column stays free: some terminals wrap as soon as the last one is written to.
  const columns = (): number => Math.max(1, (stream.columns || DEFAULT_COLUMNS) - 1);
  // What has left the screen at its top cannot be drawn over.
  const lines = (): number => Math.max(1, (stream.rows || DEFAULT_LINES) - 1);

  /** Counts terminal lines, not rows: a terminal made narrower has wrapped what was drawn. */
  const erasure = (): string => {
    if (drawn.length === 0) return '';
    const width = stream.columns || DEFAULT_COLUMNS;
    const taken = drawn.reduce((sum, row) => sum + linesTaken(stripVTControlCharacters(row), width), 0);
    return `${taken > 1 ? `\u001b[${taken - 1}A` : ''}\r\u001b[J`;
  };

  const write = (erasing: string, text: TerminalText): void =>
    void stream.write((erasing + text) as TerminalText);

  const draw = (rowsFor: RowsFor): void => {
    latest = rowsFor;
    const rows = rowsFor(columns(), lines()).slice(0, lines());
    write(erasure(), terminalLines(rows));
    drawn = rows;
  };

  return {
    draw: (rowsFor) => {
      unlisten ??= stream.onResize?.(() => latest && draw(latest)) ?? null;
      draw(rowsFor);
    },
    above: (text) => {
      write(erasure(), joinTerminal(text, terminalLines(drawn)));
    },
    leave: () => {
      if (drawn.length > 0) stream.write(terminalLines(['', '']));
      drawn = [];
      latest = null;
      unlisten?.();
      unlisten = null;
    },
  };
}
