import { basename } from 'node:path';
import { finishedOutcome } from '../continue-batch.ts';
import { createBatch } from '../create-batch.ts';
import { type PromptSource, readPromptFile } from '../input/read-prompt-file.ts';
import type { RunOptions } from '../options/run-options.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { locateBatches } from '../locate-batch.ts';
import { plural } from '../render/number-text.ts';
import { startPriceUpdate } from '../prices/price-updates.ts';
import { connectTemporal } from '../temporal.ts';
import { createPriceCheck, requireApiKey, resolveSettings } from '../request-settings.ts';
import { countReusable } from '../reuse.ts';
import type { CommandContext } from './context.ts';
import { goOn } from './go-on.ts';
import { printFinished } from './last-words.ts';
import { asTyped } from '../../typed-command.ts';

export async function runCommand(
  file: string,
  options: RunOptions,
  context: CommandContext,
): Promise<number> {
  const { config } = context;
  const update = startPriceUpdate(config, {
    wanted: options.priceUpdate && options.settings.provider !== 'simulated',
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
  const earlier = await locateBatches(config, options.reuse, options.outputDir);
  const sources = earlier.map(({ batchId }) => batchId);
  const checkPrice = await createPriceCheck(settings, config);
  let source: PromptSource | undefined;
  const { store, manifest, created } = await createBatch(config, {
    read: async (sink) =>
      (source = await readPromptFile(file, (item, position, isNumbered) => {
        checkPrice(item);
        return sink(item, position, isNumbered);
      })),
    file: basename(file),
    settings,
    outputDir: options.outputDir,
    id: options.id,
    reuse: sources,
    fresh: options.new,
    beforeCommit: () => (options.detach ? undefined : requireApiKey(config, settings)),
  });
  // Typed again, `--reuse @last` is this very batch.
  const reuse = sources.filter((id) => id !== store.batchId);
  if (created) for (const line of source?.notes ?? []) note(line);
  if (!created && !store.isIn(options.outputDir)) {
    note(`This batch lives in ${store.location.outputDir}, and goes on there.`);
  }
  const added = manifest.additions?.reduce((sum, { prompts }) => sum + prompts, 0) ?? 0;
  if (!created && added > 0)
    note(`The batch has ${plural(added, 'more prompt')} than this file, added later.`);
  const outcome = await finishedOutcome(store);
  if (outcome) {
    note(
      'This batch was finished before, and nothing was run now; --new makes another one of the same prompts.',
    );
    const temporal = await connectTemporal(config, note);
    return printFinished(store, outcome, context, temporal).finally(() => temporal.close());
  }
  if (created && reuse.length === 0 && settings.request.provider !== 'simulated')
    await noteReusable(store, file, context);
  return goOn({
    store,
    settings: { request: manifest.settings, limits: settings.limits },
    typedLimits: {
      ...options.typedLimits,
      ...(options.typedAccount && { account: settings.limits.account! }),
    },
    liftPause: false,
    detach: options.detach,
    reuse,
    context,
  });
}

/** Says what could be had for nothing, before it is bought again. */
async function noteReusable(store: BatchStore, file: string, { note }: CommandContext): Promise<void> {
  const { completions, batchIds } = await countReusable(store);
  if (completions === 0) return;
  const flags = batchIds.map((id) => ` --reuse ${id}`).join('');
  note(
    `${plural(completions, 'completion')} of identical requests ${completions === 1 ? 'is' : 'are'} already paid in this output folder. ` +
      `To take them over: cancel this batch, then ${asTyped(`durabatch run ${JSON.stringify(file)}${flags} --new`)} (with the same other flags).`,
  );
}
