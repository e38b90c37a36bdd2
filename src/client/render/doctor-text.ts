/** What `doctor` prints. */
import type { Verdict } from '../doctor/finding.ts';
import { checkNames, type Diagnosis } from '../doctor/run-checks.ts';
import { plural } from './number-text.ts';
import { createPaint, type Paint } from './paint.ts';
import type { TextOptions } from './summary-text.ts';
import { type TerminalText, terminalLines } from '../../system/terminal-output.ts';
import { toTerminalText } from './terminal-text.ts';
import { wrapped } from './text-table.ts';
import { padToWidth } from './text-width.ts';

const marks: Record<Verdict, { mark: string; color: 'green' | 'yellow' | 'red' }> = {
  ok: { mark: 'ok', color: 'green' },
  warning: { mark: 'warn', color: 'yellow' },
  failed: { mark: 'FAIL', color: 'red' },
};
const MARK_WIDTH = 6;
const NAME_WIDTH = 15;
const LONGEST = 600;

export function doctorText(
  diagnoses: readonly Diagnosis[],
  { paint = createPaint(false), columns = Number.POSITIVE_INFINITY }: TextOptions = {},
): TerminalText {
  return terminalLines([
    ...diagnoses.flatMap((diagnosis) => diagnosisLines(diagnosis, paint, columns)),
    verdictText(diagnoses, paint),
  ]);
}

function diagnosisLines({ check, finding }: Diagnosis, paint: Paint, columns: number): string[] {
  const { mark, color } = marks[finding.verdict];
  const indent = MARK_WIDTH + NAME_WIDTH;
  const lines = wrapped(toTerminalText(finding.found, LONGEST), columns - indent);
  const advice =
    finding.advice === null ? [] : wrapped(`→ ${toTerminalText(finding.advice, LONGEST)}`, columns - indent);
  const head = paint[color](padToWidth(mark, MARK_WIDTH)) + padToWidth(checkNames[check], NAME_WIDTH);
  return [...lines, ...advice].map((line, at) => (at === 0 ? head : ' '.repeat(indent)) + line);
}

function verdictText(diagnoses: readonly Diagnosis[], paint: Paint): string {
  const count = (verdict: Verdict): number =>
    diagnoses.filter(({ finding }) => finding.verdict === verdict).length;
  const [failed, warnings] = [count('failed'), count('warning')];
  const rest = warnings === 0 ? '' : `, ${plural(warnings, 'warning')}`;
  if (failed > 0) return paint.red(`doctor: ${plural(failed, 'problem')} to fix before a run${rest}`);
  return paint.green(`doctor: ready to run${rest}`);
}

/** The line of `doctor --json`. */
export const doctorJson = (diagnoses: readonly Diagnosis[]): Record<string, unknown> => ({
  type: 'doctor',
  ready: diagnoses.every(({ finding }) => finding.verdict !== 'failed'),
  checks: diagnoses.map(({ check, finding }) => ({
    check,
    verdict: finding.verdict,
    found: finding.found,
    advice: finding.advice,
  })),
});
