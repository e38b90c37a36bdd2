import type { LimitChanges } from '../../core/settings.ts';
import { setUpdate } from '../../workflows/messages.ts';
import { withAccount } from '../control/account-limits.ts';
import { destinationOf } from '../../providers/destination.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import { approve, isWithin, readApproval } from '../trust/approvals.ts';
import { requestedBy } from '../control/requested-by.ts';
import { flagsOfAccount, type TypedAccount } from '../options/limit-options.ts';
import { UsageError } from '../usage-error.ts';
import { type ReachedBatch, reachBatch } from '../control/reached-batch.ts';
import { assertPriced } from '../start/request-settings.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printUpdateResult } from './print-update-result.ts';

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
    const before = await batch.store?.readManifest();
    const told = await batch.tell(setUpdate, [changes, requestedBy(reason)]);
    if (batch.store && before) await approveChanges(context.config.home, batch.store, before, changes);
    await printUpdateResult('set', batch, told, context);
    return exitCodes.succeeded;
  } finally {
    await batch.close();
  }
}

/** A batch that this user has approved with the limits it had is approved with the new ones too. */
async function approveChanges(
  home: string,
  store: BatchStore,
  { settings, limits }: Manifest,
  changes: LimitChanges,
): Promise<void> {
  const destination = destinationOf(settings, limits);
  const approval = readApproval(home, store, destination);
  if (approval === null || !isWithin(limits, approval, changes)) return;
  await approve(home, store, destination, { prompts: [], spending: { ...limits, ...changes } });
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
