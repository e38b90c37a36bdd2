import { stripVTControlCharacters } from 'node:util';
import { toOneLine } from '../../system/terminal-output.ts';
import { padToWidth, textWidth } from './text-width.ts';

/** A value on its own line, or prose that may be wrapped between words. Paths, links and commands are never wrapped. */
export interface Row {
  label: string;
  /** Plain text, of several lines where there are several. It is cleaned for the terminal when it is laid out. */
  value: string | readonly string[];
  prose?: boolean;
  /** The colour of each line. */
  painted?: (line: string) => string;
}

/** Lines with labels and their values, one under the other; further lines of a value are indented like its first. */
export function labelledRows(rows: readonly Row[], columns: number): string[] {
  const indent = Math.max(...rows.map(({ label }) => textWidth(label))) + 2;
  return rows.flatMap(({ label, value, prose, painted = (line) => line }) => {
    const clean = [value].flat().map(toOneLine);
    const lines = prose === true ? clean.flatMap((line) => wrapped(line, columns - indent)) : clean;
    return lines.map((line, at) => padToWidth(at === 0 ? label : '', indent) + painted(line));
  });
}

/** Breaks text between words. A word that is too long stays whole. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(stripVTControlCharacters(longer)) > columns) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

export interface Column {
  title: string;
  align: 'left' | 'right';
}

/** Lines of a table of plain text, its head first. Every cell is cleaned for the terminal, and none is cut. */
export function tableLines(columns: readonly Column[], texts: readonly (readonly string[])[]): string[] {
  const rows = texts.map((row) => row.map(toOneLine));
  const widths = columns.map(({ title }, index) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(row[index] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        const space = ' '.repeat((widths[index] ?? 0) - textWidth(cell));
        return align === 'left' ? cell + space : space + cell;
      })
      .join('  ')
      .trimEnd();
  return [columns.map(({ title }) => title), ...rows].map(line);
}
