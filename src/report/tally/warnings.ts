import { billWarning } from '../../store/digests/bill-tally.ts';
import { nanoUsdToDecimal } from '../../core/money.ts';
import { priceWarnings } from './price-warnings.ts';
import type { ReportSource } from '../report-source.ts';
import { EXCEL_CELL_CHARACTERS } from '../results-csv.ts';
import { totalItems, type Tally } from './tally.ts';

/** The command line shows a notice of its own in place of this one. */
export const SIMULATED_WARNING = 'The answers are simulated: no model was asked and nothing was paid.';

const MODELS_NAMED = 5;

const modelList = (models: readonly string[]): string => {
  const named = models.slice(0, MODELS_NAMED).join(', ');
  return models.length > MODELS_NAMED ? `${named} and ${models.length - MODELS_NAMED} more` : named;
};

/** What a reader of the numbers must know, one sentence each. */
export const toWarnings = (source: ReportSource, tally: Tally, partial: boolean): string[] => {
  const warnings: string[] = [];
  if (source.manifest.settings.provider === 'simulated') warnings.push(SIMULATED_WARNING);
  if (partial)
    warnings.push(
      `The report is partial: the batch is ${source.state}, ${tally.pending} of ${totalItems(tally)} prompts are not done.`,
    );
  warnings.push(...costWarnings(tally), ...priceWarnings(source, tally));
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

const costWarnings = (tally: Tally): string[] => {
  const warnings: string[] = [];
  const { all, uncounted, doubtful, overcharged, overchargedNanoUsd } = tally.answers;
  const total = totalItems(tally);
  if (tally.unpriced > 0) {
    const models = tally.unpricedModels;
    const why = models.length > 0 ? `, because no price is known for model ${modelList(models)}` : '';
    const known =
      tally.unpriced < total ? `; the other prompts cost ${nanoUsdToDecimal(tally.knownNanoUsd)} USD` : '';
    warnings.push(
      `The cost of ${tally.unpriced} of ${total} prompts is unknown${why}: estimated_cost is null${known}.`,
    );
  }
  if (uncounted > 0)
    warnings.push(
      `No token count came back with ${uncounted} of ${all} answers: no sum includes their tokens, and sums include their cost only if the provider reported it.`,
    );
  if (doubtful > 0)
    warnings.push(
      `The token count of ${doubtful} of ${all} answers cannot be true, because it is too small for their texts: no sum includes their tokens, and sums include their cost only if the provider reported it. A server that counts only one of several choices is asked for one completion at a time from then on.`,
    );
  if (overcharged > 0)
    warnings.push(
      `${overcharged} of ${all} answers cost more than their requests could cost by price and token limit, ${nanoUsdToDecimal(overchargedNanoUsd)} USD more in total: check the provider's bill. More was reserved for later requests.`,
    );
  return warnings;
};
