import { createEstimator } from '../estimate/estimate-batch.ts';
import { estimateJson, estimateText } from '../render/estimate-text.ts';
import { createTokenCounter } from '../estimate/token-counter.ts';
import { readPromptFile } from '../input/read-prompt-file.ts';
import type { RunOptions } from '../options/run-options.ts';
import { resolveSettings } from '../request-settings.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** Reads and checks the file as `run` does, and starts nothing. */
export async function estimateCommand(
  file: string,
  options: RunOptions,
  { json, print, note }: CommandContext,
): Promise<number> {
  const settings = resolveSettings(options);
  const estimator = createEstimator(settings, createTokenCounter(), new Date());
  const { notes } = await readPromptFile(file, (item) => estimator.add(item));
  const estimate = estimator.result();
  const { columns } = outputTraits();
  for (const line of notes ?? []) note(line);
  print(json ? estimateJson(estimate, settings) : estimateText(estimate, settings, columns));
  return exitCodes.succeeded;
}
