import { closedOutcome } from '../follow/close-on-server.ts';
import { reachBatch } from '../control/reached-batch.ts';
import type { RunLimits } from '../../core/settings.ts';
import { withAccount } from '../control/account-limits.ts';
import { registerBatch } from '../find/batch-registry.ts';
import type { TypedAccount } from '../options/limit-options.ts';
import { assertPriced } from '../start/request-settings.ts';
import { confirmDestination } from '../trust/confirm-destination.ts';
import type { CommandContext } from './context.ts';
import { followRun } from './follow-run.ts';
import { printFinished } from './print-end.ts';
import { liftPause } from './lift-pause.ts';

export interface ResumeOptions {
  outputDir?: string;
  /** Confirms where the batch sends its prompts. */
  typedBaseUrl?: string;
  /** Limits for the run that is started now; the others stay as they were. */
  typedLimits: Partial<RunLimits>;
  typedAccount?: TypedAccount;
  reason: string | null;
}

export async function resumeCommand(
  id: string,
  options: ResumeOptions,
  context: CommandContext,
): Promise<number> {
  const batch = await reachBatch(id, options.outputDir, context);
  const { store } = batch;
  if (!store) return liftPause(batch, options, context).finally(() => batch.close());
  const outcome = await closedOutcome(context.config, store, context.note);
  if (outcome) {
    context.note(`${store.batchId} is finished, and nothing was run now.`);
    return printFinished(store, outcome, context);
  }
  await assertPriced(store, options.typedLimits, context.config);
  const manifest = await store.readManifest();
  await confirmDestination(store, manifest, { command: 'resume', ...options }, context);
  await registerBatch(context.config.home, store.location, store.batchId);
  const { settings: request, limits } = manifest;
  const typedLimits = withAccount(options.typedLimits, options.typedAccount, { request, limits });
  return followRun({
    store,
    settings: { request, limits: { ...limits, ...typedLimits } },
    typedLimits,
    liftPause: true,
    reason: options.reason,
    detach: false,
    context,
  });
}
