import { pauseUpdate } from '../../workflows/messages.ts';
import { asked } from '../control/asked.ts';
import { reachBatch } from '../control/reached-batch.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printTold } from './print-told.ts';

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
    await printTold('pause', batch, await batch.tell(pauseUpdate, [asked(reason)]), context);
    return exitCodes.succeeded;
  } finally {
    await batch.close();
  }
}
