import { createEstimator } from '../estimate/estimate-batch.ts';
import { estimateJson, estimateText } from '../render/estimate-text.ts';
import { createTokenCounter } from '../estimate/token-counter.ts';
import { readPromptFile } from '../input/read-prompt-file.ts';
import type { RunOptions } from '../options/run-options.ts';
import { oldTableWarning } from '../../report/price-warnings.ts';
import { startPriceUpdate, tableAtHand } from '../prices/price-updates.ts';
import { resolveSettings } from '../request-settings.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** Reads and checks the file as `run` does, and starts nothing. */
export async function estimateCommand(
  file: string,
  options: RunOptions,
  { config, json, print, note }: CommandContext,
): Promise<number> {
  const settings = resolveSettings(options);
  const update = startPriceUpdate(config, {
    wanted: options.priceUpdate && options.settings.provider !== 'simulated',
  });
  const table = await tableAtHand(config);
  const now = new Date();
  const estimator = createEstimator(settings, createTokenCounter(), now, table);
  const { notes } = await readPromptFile(file, (item) => estimator.add(item)).finally(() => update.stop());
  const estimate = { ...estimator.result(), pricesDate: table.date, warnings: oldTableWarning(table, now) };
  const { columns } = outputTraits();
  for (const line of [...(notes ?? []), ...estimate.warnings]) note(line);
  print(json ? estimateJson(estimate, settings) : estimateText(estimate, settings, columns));
  return exitCodes.succeeded;
}
