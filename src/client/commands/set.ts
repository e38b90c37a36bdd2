import type { LimitChanges } from '../../contract.ts';
import { setUpdate } from '../../workflows/messages.ts';
import { withAccount } from '../account-limits.ts';
import { asked } from '../asked.ts';
import { flagsOfAccount, type TypedAccount } from '../options/account-options.ts';
import { UsageError } from '../options/usage-error.ts';
import { type ReachedBatch, reachBatch } from '../reached-batch.ts';
import { assertPriced } from '../request-settings.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printTold } from './print-told.ts';

export interface SetOptions {
  outputDir?: string;
  changes: LimitChanges;
  typedAccount?: TypedAccount;
  reason: string | null;
}

/** Changes limits of an open batch, at once. */
export async function setCommand(
  id: string,
  { outputDir, changes: typed, typedAccount, reason }: SetOptions,
  context: CommandContext,
): Promise<number> {
  const batch = await reachBatch(id, outputDir, context);
  try {
    const changes = typedAccount ? await changesWithAccount(typed, typedAccount, batch) : typed;
    if (batch.store) await assertPriced(batch.store, changes, context.config);
    await printTold('set', batch, await batch.tell(setUpdate, [changes, asked(reason)]), context);
    return exitCodes.succeeded;
  } finally {
    await batch.close();
  }
}

/** What an account leaves out is as before, which only the batch's folder tells. */
async function changesWithAccount(
  changes: LimitChanges,
  typedAccount: TypedAccount,
  { store, batchId }: ReachedBatch,
): Promise<LimitChanges> {
  if (!store) {
    throw new UsageError(
      `${flagsOfAccount(typedAccount).join(', ')}: what ${batchId} was told of its account is in its folder, and that is not here; type this on the machine that has it. Nothing was changed`,
    );
  }
  const { settings: request, limits } = await store.readManifest();
  return withAccount(changes, typedAccount, { request, limits });
}
