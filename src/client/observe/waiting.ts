/** Prompts that wait in Temporal for their next try: the workflow cannot see them, the server can. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { failureTypes } from '../../core/failure-types.ts';

export interface Waiting {
  prompts: number;
  /** Whether it is the provider as a whole that is away: then no wait counts against a prompt. */
  unavailable: boolean;
  /** Whether it is the turn of the batch's account that they wait for. */
  account: boolean;
  /** Whether they wait for a worker with a free slot. */
  slot: boolean;
  /** Whether their requests are under way in another process, whose answers they wait for. */
  elsewhere: boolean;
  /** What the newest failed try said. */
  message: string;
  /** ms since 1970 of the earliest next try; `null` where the server does not tell. */
  nextTryAt: number | null;
}

const ACTIVITY_SCHEDULED = 1;
/** For the provider as a whole: met by the prompt itself, or by one before it. */
const WAITS = new Set(['Completion.Unavailable', failureTypes.heldBack]);

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
  const type = newest.lastFailure?.applicationFailureInfo?.type;
  return {
    prompts: waiting.length,
    unavailable: WAITS.has(type ?? ''),
    account: type === failureTypes.accountTurn,
    slot: type === failureTypes.workerFull,
    elsewhere: type === failureTypes.underWayElsewhere,
    // How long it was to wait then is not how long it has to wait now.
    message: (newest.lastFailure?.message ?? '').replace(/; asked again in [\d.]+ s$/, ''),
    nextTryAt: times.length > 0 ? Math.min(...times) : null,
  };
}

export function waitingText(
  { prompts, unavailable, account, slot, elsewhere, message, nextTryAt }: Waiting,
  now: number,
): string {
  const who = prompts === 1 ? 'The prompt in progress waits' : `All ${prompts} prompts in progress wait`;
  const next =
    nextTryAt === null ? '' : `; next try in ${Math.max(0, Math.round((nextTryAt - now) / 1000))} s`;
  const said = message.replace(/\.$/, '');
  if (account)
    return `${who} for ${prompts === 1 ? 'its turn' : 'their turns'}: ${said}. No prompt fails because of this.`;
  if (slot) return `${who} for a free slot: ${said}. No prompt fails because of this.`;
  if (elsewhere)
    return `${who} for ${prompts === 1 ? 'its request' : 'their requests'} under way in another process (${said.replace(/^.*: /, '')}), so that nothing is bought twice. No prompt fails because of this.`;
  return `${who} for the provider: ${said}${next}. ${unavailable ? 'No prompt fails because of this; after --patience the batch pauses.' : 'This counts against --max-attempts.'}`;
}
