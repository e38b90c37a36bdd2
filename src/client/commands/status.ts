import { reachBatch } from '../reached-batch.ts';
import { type BatchStatus, statusJson, statusText } from '../render/status-text.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';

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

export function printStatus(status: BatchStatus, { json, print }: CommandContext): void {
  const { paint, columns } = outputTraits();
  print(json ? statusJson(status) : statusText(status, { paint, columns }));
}
