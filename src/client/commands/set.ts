import type { LimitChanges } from '../../contract.ts';
import { setUpdate } from '../../workflows/messages.ts';
import { asked } from '../asked.ts';
import { reachBatch } from '../reached-batch.ts';
import { assertPriced } from '../request-settings.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printTold } from './print-told.ts';

export interface SetOptions {
  outputDir?: string;
  changes: LimitChanges;
  reason: string | null;
}

/** Changes limits of an open batch, at once. */
export async function setCommand(
  id: string,
  { outputDir, changes, reason }: SetOptions,
  context: CommandContext,
): Promise<number> {
  const batch = await reachBatch(id, outputDir, context);
  try {
    if (batch.store) await assertPriced(batch.store, changes);
    await printTold('set', batch, await batch.tell(setUpdate, [changes, asked(reason)]), context);
    return exitCodes.succeeded;
  } finally {
    await batch.close();
  }
}
