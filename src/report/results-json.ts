import type { PromptError, Usage } from '../core/receipt.ts';
import type { PromptItem } from '../core/prompt.ts';
import type { Manifest } from '../store/manifest/manifest.ts';
import type { Completion, DiscardedAnswer, PromptOutcome, RequestEntry } from '../store/ledger/outcome.ts';
import { nanoUsdToUsd } from '../core/money.ts';
import { type PossiblyPaidRequest, toPossiblyPaid } from './tally/possibly-paid.ts';
import { promptText } from './prompt-text.ts';
import { toReportSettings } from './report-settings.ts';
import type { ReportSummary } from './summary.ts';

export const toUsage = (usage: Usage) => ({
  prompt_tokens: usage.prompt,
  completion_tokens: usage.completion,
  total_tokens: usage.total,
  cached_tokens: usage.cached,
  reasoning_tokens: usage.reasoning,
});

const toCompletion = (completion: Completion) => ({
  record_id: completion.recordId,
  sample: completion.sample,
  text: completion.text,
  ...(completion.reasoning !== undefined && { reasoning: completion.reasoning }),
  finish_reason: completion.finishReason,
  truncated: completion.truncated,
  usage: completion.usage && toUsage(completion.usage),
  estimated_cost: nanoUsdToUsd(completion.costNanoUsd),
  latency_ms: completion.latencyMs,
  model: completion.model,
  request_id: completion.requestId,
  time: completion.at,
  attempt: completion.attempt,
  ...(completion.reused && { reused_from: toReused(completion.reused) }),
});

const toReused = ({ batchId, answer, usage, costNanoUsd }: NonNullable<Completion['reused']>) => ({
  batch_id: batchId,
  record_id: answer,
  usage: usage && toUsage(usage),
  estimated_cost: nanoUsdToUsd(costNanoUsd),
});

/** What was paid and is not among the completions. */
const toDiscarded = (answer: DiscardedAnswer) => ({
  record_id: answer.id,
  samples: answer.choices.map(({ sample }) => sample),
  choices: answer.choices.map(({ sample, text, reasoning, finishReason, why }) => ({
    sample,
    text,
    ...(reasoning !== undefined && { reasoning }),
    finish_reason: finishReason,
    truncated: finishReason === 'length',
    why,
  })),
  time: answer.at,
  discarded_at: answer.discardedAt,
  model: answer.model,
  usage: answer.usage && toUsage(answer.usage),
  estimated_cost: nanoUsdToUsd(answer.costNanoUsd),
  latency_ms: answer.latencyMs,
  request_id: answer.requestId,
  attempt: answer.attempt,
});

const toAttempt = (request: RequestEntry) => ({
  record_id: request.recordId,
  time: request.at,
  run: request.run,
  attempt: request.attempt,
  outcome: request.outcome,
  type: request.type,
  status: request.status,
  message: request.message,
  request_id: request.requestId,
  delay_ms: request.delayMs,
});

/** With the HTTP status and the provider's request id of the request that decided it. */
const toError = ({ type, message, attempts }: PromptError, { requests, answers }: PromptOutcome) => {
  const discarded = new Set(answers.filter(({ kept }) => !kept).map(({ id }) => id));
  const decisive =
    requests.findLast((request) => request.type === type && request.message === message) ??
    requests.findLast(({ recordId }) => discarded.has(recordId));
  return {
    type,
    message,
    attempts,
    status: decisive?.status ?? null,
    request_id: decisive?.requestId ?? null,
    attempt_log: requests.map(toAttempt),
  };
};

const toOverrides = (item: PromptItem) => {
  const { model, temperature, top_p, max_tokens, completions, extra_body } = item;
  const set = Object.entries({ model, temperature, top_p, max_tokens, completions, extra_body }).filter(
    ([, value]) => value !== undefined,
  );
  return set.length > 0 && { overrides: Object.fromEntries(set) };
};

/** One entry of `results`. A prompt's own settings are under `overrides`, as `completions` holds the answers. */
export const toResult = (outcome: PromptOutcome, simulated: boolean) => {
  const { item, paid, discarded, error } = outcome;
  return {
    prompt_id: item.prompt_id,
    prompt: promptText(item),
    ...(item.messages && { messages: item.messages }),
    ...toOverrides(item),
    status: outcome.status,
    ...(simulated && { simulated }),
    completions: outcome.completions.map(toCompletion),
    ...(discarded.length > 0 && { discarded_answers: discarded.map(toDiscarded) }),
    aggregated_usage: toUsage(paid.usage),
    estimated_cost: nanoUsdToUsd(paid.costNanoUsd),
    error: error && toError(error, outcome),
    fields: item.fields ?? {},
  };
};

export type BatchResult = ReturnType<typeof toResult>;

/** The whole results file. */
export interface BatchResults {
  summary: ReportSummary;
  settings: ReturnType<typeof toReportSettings>;
  metadata: Record<string, unknown>;
  /** Requests whose answer never arrived, though the provider may have billed it. */
  possibly_paid: PossiblyPaidRequest[];
  results: BatchResult[];
}

/** JSON on lines of their own, moved right; safe because JSON has no line break inside a string. */
const indented = (value: unknown, spaces: number): string =>
  JSON.stringify(value, null, 2).replaceAll('\n', `\n${' '.repeat(spaces)}`);

/** The file up to the first entry of `possibly_paid`. */
export const jsonHead = (summary: ReportSummary, manifest: Manifest): string =>
  [
    '{',
    `  "summary": ${indented(summary, 2)},`,
    `  "settings": ${indented(toReportSettings(manifest), 2)},`,
    `  "metadata": ${indented(manifest.metadata, 2)},`,
    '  "possibly_paid": [',
  ].join('\n');

/** What stands between the last entry of `possibly_paid` and the first result. */
export const jsonMiddle = '\n  ],\n  "results": [';

const entry = (value: unknown, first: boolean): string => `${first ? '' : ','}\n    ${indented(value, 4)}`;

/** One prompt's entries of `possibly_paid`, each with the separator before it. */
export const jsonPossiblyPaid = (outcome: PromptOutcome, first: boolean): string =>
  toPossiblyPaid(outcome)
    .map((request, at) => entry(request, first && at === 0))
    .join('');

/** One result with the separator before it. */
export const jsonResult = (outcome: PromptOutcome, simulated: boolean, first: boolean): string =>
  entry(toResult(outcome, simulated), first);

export const jsonTail = '\n  ]\n}\n';
