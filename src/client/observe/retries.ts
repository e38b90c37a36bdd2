/** Prompts that are tried again, and why: the workflow does not see them, the server does. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { openWorkflows, type ServerView } from './server-view.ts';
import type { Temporal } from '../connect/temporal.ts';

export interface Retries {
  /** In progress, and at least one try has failed. */
  prompts: number;
  /** The most frequent first. */
  reasons: RetryReason[];
  /** ms since 1970, by the server's clock, of the try that is furthest away; `null` where none is planned. */
  lastTryAt: number | null;
}

export interface RetryReason {
  /** `rate limit (429)`: without what differs from prompt to prompt. */
  reason: string;
  prompts: number;
}

export const NO_RETRIES: Retries = Object.freeze({ prompts: 0, reasons: [], lastTryAt: null });

/** Shards' workflows are asked one by one: not at every poll. */
const SHARDS_EVERY_MS = 3000;
const ASK_MS = 2000;
const LONGEST_REASON = 60;

/** Over a batch's open workflows. */
export function retriesOf(workflows: readonly Pick<WorkflowExecutionDescription, 'raw'>[]): Retries {
  const counts = new Map<string, number>();
  let prompts = 0;
  let lastTryAt: number | null = null;
  for (const activity of workflows.flatMap(({ raw }) => raw.pendingActivities ?? [])) {
    const { attempt, lastFailure, activityType, nextAttemptScheduleTime: next } = activity;
    if (!lastFailure || (attempt ?? 0) < 2 || activityType?.name !== 'completePrompt') continue;
    const reason = lastFailure.timeoutFailureInfo
      ? 'its worker was lost'
      : reasonOf(lastFailure.message ?? '');
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    prompts++;
    if (next) lastTryAt = Math.max(lastTryAt ?? 0, Number(next.seconds) * 1000);
  }
  const reasons = [...counts].map(([reason, count]) => ({ reason, prompts: count }));
  reasons.sort((a, b) => b.prompts - a.prompts || (a.reason < b.reason ? -1 : 1));
  return { prompts, reasons, lastTryAt };
}

const statusNames: Record<number, string> = {
  408: 'timeout',
  429: 'rate limit',
  500: 'server error',
  502: 'bad gateway',
  503: 'overloaded',
  504: 'gateway timeout',
  529: 'overloaded',
};

/** `api.deepseek.com: `, `127.0.0.1:8000: ` or `[::1]:8000: `: who did not answer is the same for all. */
const PROVIDER = /^(?:\[[\da-f:]+\]|[\w-]+(?:\.[\w-]+)+|localhost)(?::\d+)?: /i;

/** Who is held back with all others counts with the one that was refused. */
const HELD_BACK =
  /^held back until .*?, (?:like all requests of the batch, after one failed|as the provider refused one): /;

/** The kind of failure that a message tells of: prompts with the same trouble shall count together. */
export function reasonOf(sentence: string): string {
  const message = sentence.replace(HELD_BACK, '').replace(PROVIDER, '');
  const status = Number(/^(?:HTTP )?([1-5]\d\d)\b/.exec(message)?.[1]);
  if (status) return `${statusNames[status] ?? (status >= 500 ? 'server error' : 'HTTP')} (${status})`;
  // What comes behind is of this one prompt: an address, a time, an id.
  const [head = ''] = message.split(/[:;(]|\.(?:\s|$)/, 1);
  return head.trim().slice(0, LONGEST_REASON) || 'no message';
}

export type RetriesLook = (view: ServerView) => Promise<Retries>;

/** Looks at a view that was asked for anyway; where a batch has shards, these are asked now and then. */
export function createRetriesLook(temporal: Temporal, now: () => number = Date.now): RetriesLook {
  let seen = NO_RETRIES;
  let seenAt = Number.NEGATIVE_INFINITY;
  return async (view) => {
    if (view.kind !== 'open') return NO_RETRIES;
    if ((view.description.raw.pendingChildren ?? []).length === 0) return retriesOf([view.description]);
    if (now() - seenAt < SHARDS_EVERY_MS) return seen;
    seenAt = now();
    const workflows = temporal.client.withDeadline(Date.now() + ASK_MS, () => openWorkflows(temporal, view));
    // A busy server has more important things to do: what was seen last is shown on.
    return (seen = await workflows.then(retriesOf, () => seen));
  };
}
