/** How long prompts are in progress of late, folded by pure functions: what an estimate of the end is made from. */
import type { Spans } from '../core/batch-input.ts';

/** So many prompts make the mean; the newest counts most. */
const MEMORY = 30;
/** What the slowest prompt keeps of its weight with each one after it. */
const FADING = 0.99;

/** Takes in a prompt that was in progress for `ms`, its retries included, for this many completions. */
export function withSpan(spans: Spans | null, ms: number, completions: number): Spans {
  const each = ms / completions;
  if (!spans) return { count: 1, meanMs: each, completions, slowestMs: ms };
  const count = Math.min(MEMORY, spans.count + 1);
  return {
    count,
    meanMs: spans.meanMs + (each - spans.meanMs) / count,
    completions: spans.completions + (completions - spans.completions) / count,
    slowestMs: Math.max(ms, spans.slowestMs * FADING),
  };
}

/** Takes in what a shard says after `settled` more prompts. */
export function withSpans(spans: Spans | null, news: Spans | null, settled: number): Spans | null {
  if (!spans || !news) return news ?? spans;
  const share = 1 - (1 - 1 / MEMORY) ** settled;
  return {
    count: Math.min(MEMORY, spans.count + settled),
    meanMs: spans.meanMs + (news.meanMs - spans.meanMs) * share,
    completions: spans.completions + (news.completions - spans.completions) * share,
    slowestMs: Math.max(news.slowestMs, spans.slowestMs * FADING ** settled),
  };
}
