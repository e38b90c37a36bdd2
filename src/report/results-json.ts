import type { PromptItem, Usage } from '../contract.ts';
import type { Manifest } from '../store/manifest.ts';
import type { Completion, PromptOutcome } from '../store/outcome.ts';
import { nanoUsdToUsd } from './money.ts';
import { promptText } from './prompt-text.ts';
import { toReportSettings } from './report-settings.ts';
import type { ReportSummary } from './summary.ts';

const toUsage = (usage: Usage) => ({
  prompt_tokens: usage.prompt,
  completion_tokens: usage.completion,
  total_tokens: usage.total,
  cached_tokens: usage.cached,
  reasoning_tokens: usage.reasoning,
});

const toCompletion = (completion: Completion) => ({
  sample: completion.sample,
  text: completion.text,
  ...(completion.reasoning !== undefined && { reasoning: completion.reasoning }),
  finish_reason: completion.finishReason,
  truncated: completion.truncated,
  usage: completion.usage && toUsage(completion.usage),
  latency_ms: completion.latencyMs,
  model: completion.model,
  request_id: completion.requestId,
  time: completion.at,
  attempt: completion.attempt,
});

const toOverrides = ({ model, temperature, top_p, max_tokens, completions }: PromptItem) => {
  const set = Object.entries({ model, temperature, top_p, max_tokens, completions }).filter(
    ([, value]) => value !== undefined,
  );
  return set.length > 0 && { overrides: Object.fromEntries(set) };
};

/** One entry of `results`. A prompt's own settings are under `overrides`, as `completions` holds the answers. */
export const toResult = (outcome: PromptOutcome, simulated: boolean) => {
  const { item, paid, error } = outcome;
  return {
    prompt_id: item.prompt_id,
    prompt: promptText(item),
    ...(item.messages && { messages: item.messages }),
    ...toOverrides(item),
    status: outcome.status,
    ...(simulated && { simulated }),
    completions: outcome.completions.map(toCompletion),
    aggregated_usage: toUsage(paid.usage),
    estimated_cost: nanoUsdToUsd(paid.costNanoUsd),
    error: error && { type: error.type, message: error.message, attempts: error.attempts },
    fields: item.fields ?? {},
  };
};

export type BatchResult = ReturnType<typeof toResult>;

/** The whole results file. */
export interface BatchResults {
  summary: ReportSummary;
  settings: ReturnType<typeof toReportSettings>;
  metadata: Record<string, unknown>;
  results: BatchResult[];
}

/** JSON on lines of their own, moved right; safe because JSON has no line break inside a string. */
const indented = (value: unknown, spaces: number): string =>
  JSON.stringify(value, null, 2).replaceAll('\n', `\n${' '.repeat(spaces)}`);

/** The file up to the first result. */
export const jsonHead = (summary: ReportSummary, manifest: Manifest): string =>
  [
    '{',
    `  "summary": ${indented(summary, 2)},`,
    `  "settings": ${indented(toReportSettings(manifest), 2)},`,
    `  "metadata": ${indented(manifest.metadata, 2)},`,
    '  "results": [',
  ].join('\n');

/** One result with the separator before it. */
export const jsonResult = (outcome: PromptOutcome, simulated: boolean, first: boolean): string =>
  `${first ? '' : ','}\n    ${indented(toResult(outcome, simulated), 4)}`;

export const jsonTail = '\n  ]\n}\n';
