import type { ReachedBatch, UpdateResult } from '../control/reached-batch.ts';
import { progressJson } from '../render/progress/progress-json.ts';
import { statusJson } from '../render/status-text.ts';
import type { CommandContext } from './context.ts';
import { printStatus } from './print-status.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

/** Prints how a batch stands after `command` has told it something; `more` for programs. */
export async function printUpdateResult(
  command: 'add' | 'pause' | 'resume' | 'set',
  batch: ReachedBatch,
  { progress, alone }: UpdateResult,
  context: CommandContext,
  more: Record<string, unknown> = {},
): Promise<void> {
  const { json, print, note } = context;
  const status = await batch.status();
  const sayAlone = (): void => {
    if (!alone) return;
    const where = batch.store ? '' : ` (where its folder is)`;
    note(
      `No worker is on this batch; the change applies when the next one starts. To continue${where}: ${asTyped(commandLine`durabatch resume ${idWord(batch.batchId)}`)}`,
    );
  };
  if (json) {
    // The last line is the result.
    sayAlone();
    const { simulated } = status;
    print({
      ...statusJson(status),
      type: command,
      ...more,
      worker_alive: !alone,
      progress: progressJson(progress, { batchId: batch.batchId, simulated }),
    });
  } else {
    printStatus(status, context);
    sayAlone();
  }
}
