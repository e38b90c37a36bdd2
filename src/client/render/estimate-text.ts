/** What `estimate` prints. */
import type { BatchSettings, RunLimits } from '../../core/settings.ts';
import { ratesOf } from '../../core/lease.ts';
import { ratesText } from '../../workflows/account/account-page.ts';
import {
  type BatchEstimate,
  FIRST_TOKEN_SECONDS,
  LOW_OUTPUT_SHARE,
  type Range,
  TOKENS_PER_SECOND,
} from '../estimate/estimate-batch.ts';
import { durationText } from './duration-text.ts';
import { costText, countText, plural, usdOf } from './number-text.ts';
import { labelledRows, wrapped } from './text-table.ts';
import { type TerminalText, terminalLines } from '../../system/terminal-output.ts';
import { toTerminalText } from './terminal-text.ts';

const range = ({ low, high }: Range, text: (value: number) => string): string =>
  text(low) === text(high) ? text(low) : `${text(low)} to ${text(high)}`;

/** With the date of the prices it was made with. */
export type DatedEstimate = BatchEstimate & { pricesDate: string; warnings: string[] };

export function estimateText(
  estimate: DatedEstimate,
  { request, limits }: BatchSettings,
  columns: number,
): TerminalText {
  const {
    prompts,
    completions,
    reusedCompletions,
    requests,
    promptTokens,
    outputTokens,
    costNanoUsd,
    seconds,
  } = estimate;
  const rows = [
    {
      label: 'Prompts',
      value: `${countText(prompts)}, ${plural(completions, 'completion')} in ${plural(requests, 'request')}`,
    },
    ...(reusedCompletions > 0
      ? [
          {
            label: 'Reused',
            value: `${plural(reusedCompletions, 'completion')} of earlier batches, at no cost`,
          },
        ]
      : []),
    { label: 'Model', value: `${toTerminalText(request.model, 80)} (${request.provider})` },
    { label: 'Input', value: `about ${plural(promptTokens, 'token')}` },
    { label: 'Output', value: `${range(outputTokens, countText)} tokens` },
    {
      label: 'Cost',
      value:
        costNanoUsd === null
          ? 'unknown: there is no price for this model; --price-input and --price-output name one'
          : `${range(costNanoUsd, costText)}${pricesText(limits, estimate)}`,
      prose: true,
    },
    {
      label: 'Time',
      value: `${range(seconds, (value) => durationText(value * 1000))} with ${timeTerms(limits)}`,
      prose: true,
    },
  ];
  return terminalLines([...labelledRows(rows, columns), ...wrapped(assumptionsOf(limits), columns)]);
}

/** The user's own prices have no date. */
const pricesText = ({ prices }: RunLimits, { pricesDate }: DatedEstimate): string =>
  prices === null ? `, at prices as of ${pricesDate}` : '';

function timeTerms({ maxWorkers, autoWorkers, account }: RunLimits): string {
  const auto = autoWorkers ? ', the most that auto may come to: longer, if the provider takes fewer' : '';
  const rates = account ? `, and the account to itself: ${ratesText(ratesOf(account))}` : '';
  return `${plural(maxWorkers, 'prompt')} at once${auto}${rates}`;
}

const assumptionsOf = ({ account }: Pick<RunLimits, 'account'>): string =>
  'An estimate: tokens counted with o200k_base, whatever the model; completions of ' +
  `${LOW_OUTPUT_SHARE * 100}% to 100% of max_tokens, at the cheapest and the most expensive hour of the day; ` +
  `time with ${FIRST_TOKEN_SECONDS} s to the first token and ${TOKENS_PER_SECOND} tokens/s, ${account ? "with the account's rate limits" : 'without rate limits'}. Nothing was sent.`;

/** The line of `estimate --json`. Costs are US dollars. */
export function estimateJson(
  estimate: DatedEstimate,
  { request, limits }: BatchSettings,
): Record<string, unknown> {
  const { costNanoUsd, seconds, outputTokens } = estimate;
  return {
    type: 'estimate',
    is_estimate: true,
    prompts: estimate.prompts,
    completions: estimate.completions,
    reused_completions: estimate.reusedCompletions,
    requests: estimate.requests,
    model: request.model,
    provider: request.provider,
    max_workers: limits.maxWorkers,
    auto_workers: limits.autoWorkers ?? false,
    account: limits.account?.name ?? null,
    requests_per_minute: limits.account?.requestsPerMinute ?? null,
    tokens_per_minute: limits.account?.tokensPerMinute ?? null,
    prompt_tokens: estimate.promptTokens,
    completion_tokens: outputTokens,
    cost: costNanoUsd && { low: usdOf(costNanoUsd.low), high: usdOf(costNanoUsd.high) },
    seconds,
    prices_date: estimate.pricesDate,
    assumptions: assumptionsOf(limits),
  };
}
