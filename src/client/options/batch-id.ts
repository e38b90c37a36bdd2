import * as z from 'zod';
import { toTerminalText } from '../render/terminal-text.ts';
import { UsageError } from '../usage-error.ts';
import { isBatchId, commandLine } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

/** Names that Windows keeps for devices, with any extension: no folder can have them. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

/** A batch id: also the name of a folder on every platform, and of a workflow. */
export const batchIdValue = z.string().superRefine((id, context) => {
  const problem = problemOf(id);
  if (problem !== null) {
    const shown = JSON.stringify(toTerminalText(id, 80));
    context.addIssue({ code: 'custom', message: `${problem}, got ${shown}` });
  }
});

function problemOf(id: string): string | null {
  if (!isBatchId(id)) {
    return 'must be 1 to 64 letters, digits, dots, dashes or underscores, and start with a letter or digit';
  }
  if (id.endsWith('.')) return 'must not end with a dot';
  if (DEVICE.test(id)) return 'must not be a name that Windows keeps for a device';
  return null;
}

/** The `<id>` argument of a command. Throws a UsageError. */
export function parseBatchId(text: string): string {
  const parsed = batchIdValue.safeParse(text);
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues[0]?.message ?? 'not a batch id';
  throw new UsageError(
    `batch id: ${message}; "${asTyped(commandLine`durabatch list`)}" shows all ids, and @last is the newest`,
  );
}
