import type { PromptHistory } from '../store/ledger/prompt-history.ts';
import { compareMoments, type StartRecord } from '../store/ledger/records.ts';
import type { Liveness } from '../store/workers/worker-liveness.ts';
import { LAPSE_MS } from '../core/lapse.ts';
import { processNameOf } from '../system/worker-identity.ts';
import { againIn, retryIn } from './failures.ts';
import { failureTypes } from '../core/failure-types.ts';

/** How often a prompt whose request is under way in another process asks whether it is over. */
const HAND_BACK_MS = 3000;

export interface ElsewhereOptions {
  liveness: Pick<Liveness, 'isAlive'>;
  /** Identity of this process. */
  worker: string;
  /** ms, never going back. Default: `performance.now()`. */
  monotonic?: () => number;
}

/** The request of a prompt that another process may still get an answer to; `null`: there is none. */
export type UnderWayElsewhere = (
  history: PromptHistory,
  limits: { requestTimeoutMs: number },
) => StartRecord | null;

/**
 * A request without an end, of another process that may be alive, is not bought again before its own deadline is over
 * for certain: counted from when this process first saw it, with the lapse on top, for which a process may be frozen
 * and still come back. Of its own timeout and the present one the larger counts. What was sent before the prompt was reopened counts no more.
 */
export function createUnderWayElsewhere({
  liveness,
  worker,
  monotonic = () => performance.now(),
}: ElsewhereOptions): UnderWayElsewhere {
  /** When each request was first seen, by its start record. */
  const firstSeen = new Map<string, number>();
  return ({ starts, answers, faults, reopened }, { requestTimeoutMs }) => {
    const lastReopened = reopened.at(-1);
    const isOpen = (start: StartRecord): boolean =>
      start.worker !== worker &&
      (!lastReopened || compareMoments(start, lastReopened) > 0) &&
      !answers.some((answer) => answer.start === start.id) &&
      !faults.some((fault) => fault.start === start.id);
    const present = monotonic();
    for (const start of starts) {
      if (!isOpen(start)) continue;
      const seenAt = firstSeen.get(start.id) ?? present;
      firstSeen.set(start.id, seenAt);
      const timeoutMs = Math.max(requestTimeoutMs, start.requestTimeoutMs ?? 0);
      if (present - seenAt > timeoutMs + LAPSE_MS) continue;
      if (liveness.isAlive(start.worker)) return start;
    }
    return null;
  };
}

/** Hands the prompt back for a moment; this counts against no limit. */
export function handedBack({ worker }: StartRecord, random: number): unknown {
  const delayMs = HAND_BACK_MS * (1 + random / 10);
  return retryIn(
    delayMs,
    failureTypes.underWayElsewhere,
    `its request is under way in another process: ${processNameOf(worker)}${againIn(delayMs)}`,
  );
}
