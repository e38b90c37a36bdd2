import { finishedOutcome } from '../continue-batch.ts';
import { locateBatch } from '../locate-batch.ts';
import type { RunLimits } from '../../contract.ts';
import { registerBatch } from '../batch-registry.ts';
import { assertPriced } from '../request-settings.ts';
import type { CommandContext } from './context.ts';
import { goOn } from './go-on.ts';
import { printFinished } from './last-words.ts';

export interface ResumeOptions {
  outputDir?: string;
  /** Limits for the run that is started now; the others stay as they were. */
  typedLimits: Partial<RunLimits>;
  reason: string | null;
}

export async function resumeCommand(
  id: string,
  options: ResumeOptions,
  context: CommandContext,
): Promise<number> {
  const store = await locateBatch(context.config, id, options.outputDir);
  await registerBatch(context.config.home, store.location, store.batchId);
  const outcome = await finishedOutcome(store);
  if (outcome) return printFinished(store, outcome, context);
  await assertPriced(store, options.typedLimits);
  const manifest = await store.readManifest();
  return goOn({
    store,
    settings: { request: manifest.settings, limits: { ...manifest.limits, ...options.typedLimits } },
    typedLimits: options.typedLimits,
    liftPause: true,
    reason: options.reason,
    detach: false,
    context,
  });
}
