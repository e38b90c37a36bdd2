import { pauseUpdate } from '../../workflows/messages.ts';
import { requestedBy } from '../control/requested-by.ts';
import { reachBatch } from '../control/reached-batch.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printUpdateResult } from './print-update-result.ts';

export interface PauseOptions {
  outputDir?: string;
  reason: string | null;
}

/** Lets the prompts in progress finish, and starts nothing more until resumed. */
export async function pauseCommand(
  id: string,
  { outputDir, reason }: PauseOptions,
  context: CommandContext,
): Promise<number> {
  const batch = await reachBatch(id, outputDir, context);
  try {
    await printUpdateResult('pause', batch, await batch.tell(pauseUpdate, [requestedBy(reason)]), context);
    return exitCodes.succeeded;
  } finally {
    await batch.close();
  }
}
