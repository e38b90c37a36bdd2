import { createEstimator, type MeasuredPrompt } from '../estimate/estimate-batch.ts';
import { EstimatedReuse } from '../estimate/estimated-reuse.ts';
import type { BatchSettings } from '../../core/settings.ts';
import type { PriceTable } from '../../prices/price-table.ts';
import { estimateJson, estimateText } from '../render/estimate-text.ts';
import { createTokenCounter } from '../estimate/token-counter.ts';
import { readPromptFile } from '../../input/read-prompt-file.ts';
import type { RunOptions } from '../options/run-options.ts';
import { oldTableWarning, yearsWithoutHolidays, yearWarning } from '../../report/tally/price-warnings.ts';
import { startPriceUpdate, tableAtHand } from '../prices/price-updates.ts';
import { resolveSettings } from '../start/request-settings.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';

const DAY_MS = 86_400_000;

/** Reads and checks the file as `run` does, and starts nothing. What the output folder has already costs nothing. */
export async function estimateCommand(
  file: string,
  options: RunOptions,
  { config, json, print, note }: CommandContext,
): Promise<number> {
  const settings = resolveSettings(options);
  const update = startPriceUpdate(config, {
    wanted: options.priceUpdate !== false && options.settings.provider !== 'simulated',
  });
  const table = await tableAtHand(config);
  const now = new Date();
  const estimator = createEstimator(settings, createTokenCounter(), now, table);
  const reuse = await EstimatedReuse.open(config, options, settings, note);
  const waiting: MeasuredPrompt[] = [];
  const { notes } = await readPromptFile(file, (item) => {
    const measured = estimator.measure(item);
    if (reuse.look(item, waiting.length)) waiting.push(measured);
    else estimator.add(measured);
  }).finally(() => update.stop());
  const reused = await reuse.count();
  waiting.forEach((measured, index) => estimator.add(measured, reused.get(index)));
  const estimate = {
    ...estimator.result(),
    pricesDate: table.date,
    warnings: warningsOf(settings, table, now),
  };
  const { columns } = outputTraits();
  for (const line of [...(notes ?? []), ...estimate.warnings]) note(line);
  print(json ? estimateJson(estimate, settings) : estimateText(estimate, settings, columns));
  return exitCodes.succeeded;
}

/** What makes the prices of the coming day doubtful. The user's own are as good as the user says. */
function warningsOf({ request, limits }: BatchSettings, table: PriceTable, now: Date): string[] {
  if (limits.prices !== null || request.provider === 'simulated') return [];
  const tomorrow = new Date(now.getTime() + DAY_MS);
  return [
    ...oldTableWarning(table, now),
    ...yearWarning(yearsWithoutHolidays({ ...request, table }, [now, tomorrow])),
  ];
}
