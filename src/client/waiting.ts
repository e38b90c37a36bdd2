/** Prompts that wait in Temporal for their next try: the workflow cannot see them, the server can. */
import type { WorkflowExecutionDescription } from '@temporalio/client';

export interface Waiting {
  prompts: number;
  /** Whether it is the provider as a whole that is away: then no wait counts against a prompt. */
  unavailable: boolean;
  /** What the newest failed try said. */
  message: string;
  /** ms since 1970 of the earliest next try; `null` where the server does not tell. */
  nextTryAt: number | null;
}

const ACTIVITY_SCHEDULED = 1;

/** Over a batch's open workflows; `null` where nobody waits. */
export function waitingOf(workflows: readonly WorkflowExecutionDescription[]): Waiting | null {
  const waiting = workflows
    .flatMap(({ raw }) => raw.pendingActivities ?? [])
    .filter(({ state, lastFailure }) => state === ACTIVITY_SCHEDULED && lastFailure?.message);
  const newest = waiting.at(-1);
  if (!newest) return null;
  const times = waiting.flatMap(({ nextAttemptScheduleTime: time }) =>
    time ? [Number(time.seconds) * 1000] : [],
  );
  return {
    prompts: waiting.length,
    unavailable: newest.lastFailure?.applicationFailureInfo?.type === 'Completion.Unavailable',
    // How long it was to wait then is not how long it has to wait now.
    message: (newest.lastFailure?.message ?? '').replace(/; asked again in [\d.]+ s$/, ''),
    nextTryAt: times.length > 0 ? Math.min(...times) : null,
  };
}

export function waitingText({ prompts, unavailable, message, nextTryAt }: Waiting, now: number): string {
  const who = prompts === 1 ? 'The prompt in progress waits' : `All ${prompts} prompts in progress wait`;
  const next =
    nextTryAt === null ? '' : `; next try in ${Math.max(0, Math.round((nextTryAt - now) / 1000))} s`;
  return `${who} for the provider: ${message}${next}. ${unavailable ? 'No prompt fails by this; after --patience the batch pauses.' : 'This counts against --max-attempts.'}`;
}
