import { billWarning } from './bill-tally.ts';
import { nanoUsdToDecimal } from './money.ts';
import type { ReportSource } from './report-source.ts';
import { EXCEL_CELL_CHARACTERS } from './results-csv.ts';
import { totalItems, type Tally } from './tally.ts';

const MODELS_NAMED = 5;

const modelList = (models: readonly string[]): string => {
  const named = models.slice(0, MODELS_NAMED).join(', ');
  return models.length > MODELS_NAMED ? `${named} and ${models.length - MODELS_NAMED} more` : named;
};

/** What a reader of the numbers must know, one sentence each. */
export const toWarnings = (source: ReportSource, tally: Tally, partial: boolean): string[] => {
  const warnings: string[] = [];
  if (source.manifest.settings.provider === 'simulated')
    warnings.push('The answers are simulated: no model was asked and nothing was paid.');
  if (partial)
    warnings.push(
      `The report is partial: the batch is ${source.state}, ${tally.pending} of ${totalItems(tally)} prompts are not done.`,
    );
  if (tally.unpriced > 0)
    warnings.push(
      `The cost of ${tally.unpriced} of ${totalItems(tally)} prompts is unknown, as there is no price or no token count for some of their answers (model ${modelList(tally.unpricedModels)}); estimated_cost is null${tally.unpriced < totalItems(tally) ? `, the other prompts cost ${nanoUsdToDecimal(tally.knownNanoUsd)} USD` : ''}.`,
    );
  const unknownBill = billWarning(tally.bill);
  if (unknownBill !== null) warnings.push(unknownBill);
  if (tally.truncated > 0)
    warnings.push(
      `${tally.truncated} of ${tally.completions} completions were cut off at max_tokens and are marked truncated.`,
    );
  if (tally.longCells > 0)
    warnings.push(
      `${tally.longCells} ${tally.longCells === 1 ? 'cell of the CSV is' : 'cells of the CSV are'} longer than ${EXCEL_CELL_CHARACTERS.toLocaleString('en-US')} characters, the most that a cell in Excel can hold: read them in the JSON file or with a CSV parser.`,
    );
  return warnings;
};
