import { stripVTControlCharacters } from 'node:util';
import { padToWidth, textWidth } from './text-width.ts';

/** A value on its own line, or prose that may be wrapped between words. Paths, links and commands are never wrapped. */
export interface Row {
  label: string;
  value: string;
  prose?: boolean;
}

/** Labels and their values, one under the other; further lines of a value are indented like its first. */
export function labelledRows(rows: readonly Row[], columns: number): string {
  const indent = Math.max(...rows.map(({ label }) => textWidth(label))) + 2;
  return rows
    .map(({ label, value, prose }) => {
      const lines = prose === true ? wrapped(value, columns - indent) : value.split('\n');
      return padToWidth(label, indent) + lines.join(`\n${' '.repeat(indent)}`);
    })
    .join('\n');
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

/** A table of plain text. No cell is cut. */
export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
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
  return [columns.map(({ title }) => title), ...rows].map(line).join('\n');
}
