import { reachBatch } from '../control/reached-batch.ts';
import { type CommandContext, interruptSignal } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printFinished } from './print-end.ts';
import { printStatus } from './print-status.ts';

export interface CancelOptions {
  outputDir?: string;
  /** Does not wait for the prompts in progress. */
  now: boolean;
}

/** Cancels and waits for the report. Where no worker lives, one of our own closes the batch and buys nothing. */
export async function cancelCommand(
  id: string,
  { outputDir, now }: CancelOptions,
  context: CommandContext,
): Promise<number> {
  const batch = await reachBatch(id, outputDir, context);
  try {
    const end = await batch.cancel({ now, interrupt: interruptSignal() });
    if (end.kind === 'interrupted') return exitCodes.interrupted;
    if (end.kind === 'closed' && end.outcome && batch.store)
      await printFinished(batch.store, end.outcome, context, batch.temporal);
    else printStatus(await batch.status(), context);
    return exitCodes.succeeded;
  } finally {
    await batch.close();
  }
}
