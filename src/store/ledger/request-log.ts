/** A prompt's requests one by one: pure, from its records alone. */
import type { PromptHistory } from './prompt-history.ts';
import type { RequestEntry } from './outcome.ts';

/** In the order they were sent. An end whose start a power cut took is told by itself. */
export function requestLogOf({ starts, answers, faults }: PromptHistory): RequestEntry[] {
  const ends = new Map<string, Omit<RequestEntry, 'run' | 'attempt'>>();
  const runs = new Map<string, { run: number; attempt: number }>();
  for (const { id, at, run, attempt, start, choices, requestId, reused } of answers) {
    if (reused) continue;
    const told = choices.map(
      ({ sample, finishReason, blank }) =>
        `sample ${sample} ended with "${finishReason}"${blank ? ', without text' : ''}`,
    );
    const message = told.join('; ');
    const none = { type: null, status: null, delayMs: null };
    ends.set(start, { recordId: id, at, outcome: 'answer', message, requestId, ...none });
    runs.set(start, { run, attempt });
  }
  for (const { id, at, run, attempt, start, failure, status, message, requestId, retryDelayMs } of faults) {
    const told = { type: failure, status, message, requestId, delayMs: retryDelayMs };
    ends.set(start, { recordId: id, at, outcome: 'fault', ...told });
    runs.set(start, { run, attempt });
  }

  const log: RequestEntry[] = starts.map(({ id, at, run, attempt }) => {
    const end = ends.get(id);
    ends.delete(id);
    return { ...(end ?? { ...lost, recordId: id }), at, run, attempt };
  });
  for (const [start, end] of ends) log.push({ ...end, ...runs.get(start)! });
  return log.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

const lost = {
  outcome: 'lost',
  type: null,
  status: null,
  message: 'no answer is on record: it is on its way, or its worker ended before one came',
  requestId: null,
  delayMs: null,
} as const;
