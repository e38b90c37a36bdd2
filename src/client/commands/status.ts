import { reachBatch } from '../control/reached-batch.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printStatus } from './print-status.ts';

/** Starts nothing, and answers also where no server and no worker lives. */
export async function statusCommand(
  id: string,
  options: { outputDir?: string },
  context: CommandContext,
): Promise<number> {
  const batch = await reachBatch(id, options.outputDir, context);
  try {
    printStatus(await batch.status(), context);
    return exitCodes.succeeded;
  } finally {
    await batch.close();
  }
}
