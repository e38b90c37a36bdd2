import { basename } from 'node:path';
import { closedOutcome } from '../follow/close-on-server.ts';
import { createBatch } from '../start/create-batch.ts';
import { type PromptSource, readPromptFile } from '../../input/read-prompt-file.ts';
import { unusualAddress } from '../../providers/destination.ts';
import type { RunOptions } from '../options/run-options.ts';
import { assertNotElsewhere } from '../start/known-to-server.ts';
import { locateBatches } from '../find/locate-batch.ts';
import { plural } from '../render/number-text.ts';
import { startPriceUpdate } from '../prices/price-updates.ts';
import { connectTemporal } from '../connect/temporal.ts';
import {
  createPriceCheck,
  earlierRequests,
  keyRecipient,
  requireApiKey,
  resolveSettings,
} from '../start/request-settings.ts';
import type { CommandContext } from './context.ts';
import { followRun } from './follow-run.ts';
import { printFinished } from './print-end.ts';

export async function runCommand(
  file: string,
  options: RunOptions,
  context: CommandContext,
): Promise<number> {
  const { config } = context;
  const update = startPriceUpdate(config, {
    wanted: options.priceUpdate !== false && options.settings.provider !== 'simulated',
  });
  try {
    return await run(file, options, context);
  } finally {
    update.stop();
  }
}

async function run(file: string, options: RunOptions, context: CommandContext): Promise<number> {
  const { config, note } = context;
  const settings = resolveSettings(options);
  const recipient = keyRecipient(config, options, settings);
  if (recipient !== null && !options.detach) note(recipient);
  const { policy } = options.reuse;
  const named = (await locateBatches(config, options.reuse.named, options.outputDir)).map(
    ({ batchId }) => batchId,
  );
  const checkPrice = await createPriceCheck(settings, config);
  let source: PromptSource | undefined;
  const { store, manifest, created } = await createBatch(config, {
    read: async (sink) =>
      (source = await readPromptFile(file, (item, ...origin) => {
        checkPrice(item);
        return sink(item, ...origin);
      })),
    file: basename(file),
    settings,
    earlier: earlierRequests(options, settings),
    outputDir: options.outputDir,
    id: options.id,
    reuse: { reuse: named, reuse_policy: policy },
    fresh: options.new,
    beforeCommit: async (newBatch) => {
      if (!options.detach) requireApiKey(config, settings);
      await assertNotElsewhere(config, newBatch, note);
    },
  });
  const unusual = unusualAddress(settings.request);
  if (unusual !== null) note(unusual);
  if (created) for (const line of source?.notes ?? []) note(line);
  if (!created && !store.isIn(options.outputDir)) {
    note(`This batch is in ${store.location.outputDir} and continues there.`);
  }
  if (!created && options.id === undefined && manifest.source !== null && manifest.source !== basename(file))
    note(`The same requests are batch ${store.batchId}, made from ${manifest.source}.`);
  const added = manifest.additions?.reduce((sum, { prompts }) => sum + prompts, 0) ?? 0;
  if (!created && added > 0)
    note(`The batch has ${plural(added, 'more prompt')} than this file, added later.`);
  const outcome = await closedOutcome(config, store, note);
  if (outcome) {
    note(
      'This batch was finished before, and nothing was run now; --new makes another one of the same prompts.',
    );
    const temporal = await connectTemporal(config, note);
    return printFinished(store, outcome, context, temporal).finally(() => temporal.close());
  }
  return followRun({
    store,
    settings: { request: manifest.settings, limits: settings.limits },
    typedLimits: {
      ...options.typedLimits,
      ...(options.typedAccount && { account: settings.limits.account! }),
    },
    liftPause: false,
    detach: options.detach,
    reuse: {
      // Typed again, `--reuse @last` is this very batch.
      named: named.filter((id) => id !== store.batchId),
      // What was made by version 0.1.0 has no policy.
      policy: options.reuse.isTyped ? policy : undefined,
      otherwise: policy,
    },
    context,
  });
}
