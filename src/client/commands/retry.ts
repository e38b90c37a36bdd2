import type { RunLimits } from '../../core/settings.ts';
import { withAccount } from '../control/account-limits.ts';
import { registerBatch } from '../find/batch-registry.ts';
import { closedOutcome } from '../follow/close-on-server.ts';
import { isCancelled } from '../start/continue-batch.ts';
import { locateBatch } from '../find/locate-batch.ts';
import { plural } from '../render/number-text.ts';
import { reopenFailed } from '../control/reopen-failed.ts';
import type { TypedAccount } from '../options/limit-options.ts';
import { UsageError } from '../usage-error.ts';
import { assertPriced } from '../start/request-settings.ts';
import { confirmDestination } from '../trust/confirm-destination.ts';
import type { CommandContext } from './context.ts';
import { followRun } from './follow-run.ts';
import { printFinished } from './print-end.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

export interface RetryOptions {
  outputDir?: string;
  /** Confirms where the batch sends its prompts. */
  typedBaseUrl?: string;
  /** Limits for the new run; the others stay as they were. */
  typedLimits: Partial<RunLimits>;
  typedAccount?: TypedAccount;
}

/** Runs only the failed prompts of a finished batch again, in the same batch; the new report has all prompts. */
export async function retryCommand(
  id: string,
  options: RetryOptions,
  context: CommandContext,
): Promise<number> {
  const { config, note } = context;
  const store = await locateBatch(config, id, options.outputDir);
  const outcome = await closedOutcome(config, store, note);
  if (outcome?.state === 'succeeded') {
    note('Nothing to retry: every prompt has its completions.');
    return printFinished(store, outcome, context);
  }
  if (await isCancelled(store)) {
    throw new UsageError(
      `batch ${store.batchId} was cancelled: "retry" asks only the failed prompts of a finished batch. ` +
        `To run the remaining prompts first: ${asTyped(commandLine`durabatch resume ${idWord(store.batchId)}`)}`,
    );
  }
  if (!outcome) note('This batch is not finished. Continuing it, as resume does.');
  await assertPriced(store, options.typedLimits, config);
  const manifest = await store.readManifest();
  await confirmDestination(store, manifest, { command: 'retry', ...options }, context);
  await registerBatch(config.home, store.location, store.batchId);
  const { settings: request, limits } = manifest;
  const typedLimits = withAccount(options.typedLimits, options.typedAccount, { request, limits });
  return followRun({
    store,
    settings: { request, limits: { ...limits, ...typedLimits } },
    typedLimits,
    liftPause: true,
    detach: false,
    prepare: async (run) => {
      const prompts = await reopenFailed(store, run, new Date());
      note(`${plural(prompts, 'failed prompt')} to be asked again.`);
    },
    context,
  });
}
