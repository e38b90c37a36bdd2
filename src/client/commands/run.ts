import { basename } from 'node:path';
import { finishedOutcome } from '../continue-batch.ts';
import { createBatch } from '../create-batch.ts';
import { readPromptFile } from '../input/read-prompt-file.ts';
import type { RunOptions } from '../options/run-options.ts';
import { requireApiKey, resolveSettings } from '../request-settings.ts';
import type { CommandContext } from './context.ts';
import { goOn } from './go-on.ts';
import { printFinished } from './last-words.ts';

export async function runCommand(
  file: string,
  options: RunOptions,
  context: CommandContext,
): Promise<number> {
  const { config, note } = context;
  const settings = resolveSettings(options);
  const { store, manifest, created } = await createBatch(config, {
    read: (sink) => readPromptFile(file, sink),
    file: basename(file),
    settings,
    outputDir: options.outputDir,
    id: options.id,
    fresh: options.new,
    beforeCommit: () => (options.detach ? undefined : requireApiKey(config, settings)),
  });
  if (!created && options.outputDirTyped && !store.isIn(options.outputDir)) {
    note(`This batch lives in ${store.location.outputDir}, and goes on there.`);
  }
  const outcome = await finishedOutcome(store);
  if (outcome) return printFinished(store, outcome, context);
  return goOn({
    store,
    settings: { request: manifest.settings, limits: settings.limits },
    typedLimits: options.typedLimits,
    liftPause: false,
    detach: options.detach,
    context,
  });
}
