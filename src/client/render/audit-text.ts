/** What `audit` prints. */
import type { Audit } from '../audit/audit-batch.ts';
import { checkNames } from '../audit/findings.ts';
import { countText, plural } from './number-text.ts';
import { createPaint } from './paint.ts';
import type { TextOptions } from './summary-text.ts';
import { type TerminalText, terminalLines } from '../../system/terminal-output.ts';
import { toTerminalText } from './terminal-text.ts';
import { tableLines, wrapped } from './text-table.ts';

const SHOWN = 20;

const verdictOf = ({ total }: Audit): string =>
  total === 0 ? 'audit: equal' : `audit: ${plural(total, 'difference')}`;

export function auditText(
  audit: Audit,
  { paint = createPaint(false), columns = Number.POSITIVE_INFINITY }: TextOptions = {},
): TerminalText {
  const rows = audit.checks.map(({ check, compared, differences }) => [
    checkNames[check],
    countText(compared),
    countText(differences),
  ]);
  const table = tableLines(
    [
      { title: 'Compared with the ledger', align: 'left' },
      { title: 'Number', align: 'right' },
      { title: 'Differences', align: 'right' },
    ],
    rows,
  );
  const shown = audit.differences.slice(0, SHOWN);
  const more = audit.total - shown.length;
  return terminalLines([
    `Batch   ${audit.batchId}`,
    ...(audit.reportFile === null ? [] : [`Report  ${toTerminalText(audit.reportFile)}`]),
    ...table,
    ...audit.notes.flatMap((note) => wrapped(`note: ${toTerminalText(note)}`, columns)),
    ...shown.map(({ message, records }) =>
      paint.red(`- ${toTerminalText(message)}${recordsText(message, records)}`),
    ),
    ...(more > 0 ? [`… and ${countText(more)} more`] : []),
    audit.total === 0 ? paint.green(verdictOf(audit)) : paint.red(verdictOf(audit)),
  ]);
}

const RECORDS_SHOWN = 5;

/** The ids that the message does not name itself. */
function recordsText(message: string, records: readonly string[]): string {
  const ids = records.filter((id) => !message.includes(id));
  if (ids.length === 0) return '';
  const named = ids.slice(0, RECORDS_SHOWN).map((id) => toTerminalText(id, 80));
  const more = ids.length > RECORDS_SHOWN ? [`… ${ids.length - RECORDS_SHOWN} more`] : [];
  return ` (${[...named, ...more].join(', ')})`;
}

/** The line of `audit --json`. */
export const auditJson = (audit: Audit): Record<string, unknown> => ({
  type: 'audit',
  batch_id: audit.batchId,
  report_file: audit.reportFile,
  equal: audit.total === 0,
  message: verdictOf(audit),
  checks: audit.checks.map(({ check, compared, differences }) => ({
    check: checkNames[check],
    compared,
    differences,
  })),
  difference_count: audit.total,
  differences: audit.differences.map(({ check, message, records }) => ({
    check: checkNames[check],
    message,
    record_ids: records,
  })),
  notes: audit.notes,
});
