/** What a stand-in provider knows of a run: counts, and how many requests were in flight when. */

/** Width of the buckets of {@link ProviderStats}. */
export const BUCKET_MS = 100;

export interface ProviderStats {
  requests: number;
  answers: number;
  peakInFlight: number;
  /** ms since 1970; `null` before the first. */
  firstRequestAt: number | null;
  lastRequestAt: number | null;
  lastAnswerAt: number | null;
  /** Prompts that were answered more often, and less often, than they should have been. */
  answeredTooOften: number;
  answeredTooSeldom: number;
  /** Per 100 ms since the first request. */
  answersPerBucket: number[];
  /** Requests in flight, the mean of each 100 ms since the first request. */
  inFlightPerBucket: number[];
  /** How much later than wanted answers were sent, the mean in ms. */
  meanDelayMs: number;
}

export interface StandInTally {
  requested(): void;
  answered(index: number, delayMs: number): void;
  stats(): ProviderStats;
}

/** `now` in ms since 1970. */
export function createTally(prompts: number, completions: number, now: () => number): StandInTally {
  const answersOf = new Uint16Array(prompts);
  const answersPerBucket: (number | undefined)[] = [];
  const inFlightMs: (number | undefined)[] = [];
  let requests = 0;
  let answers = 0;
  let inFlight = 0;
  let peakInFlight = 0;
  let firstRequestAt: number | null = null;
  let lastRequestAt: number | null = null;
  let lastAnswerAt: number | null = null;
  let countedTo = 0;
  let delayMs = 0;

  /** Books the time since the last change to the buckets it lies in. */
  const book = (at: number): void => {
    if (firstRequestAt === null) return;
    while (countedTo < at) {
      const bucket = Math.floor((countedTo - firstRequestAt) / BUCKET_MS);
      const end = Math.min(at, firstRequestAt + (bucket + 1) * BUCKET_MS);
      // Rounding may leave the end where the time already is.
      const to = end > countedTo ? end : at;
      inFlightMs[bucket] = (inFlightMs[bucket] ?? 0) + inFlight * (to - countedTo);
      countedTo = to;
    }
  };

  return {
    requested: () => {
      const at = now();
      if (firstRequestAt === null) {
        firstRequestAt = at;
        countedTo = at;
      }
      book(at);
      lastRequestAt = at;
      requests++;
      inFlight++;
      peakInFlight = Math.max(peakInFlight, inFlight);
    },
    answered: (index, lateMs) => {
      const at = now();
      book(at);
      inFlight--;
      answers++;
      answersOf[index]!++;
      delayMs += lateMs;
      lastAnswerAt = at;
      const bucket = Math.floor((at - firstRequestAt!) / BUCKET_MS);
      answersPerBucket[bucket] = (answersPerBucket[bucket] ?? 0) + 1;
    },
    stats: () => ({
      ...{ requests, answers, peakInFlight, firstRequestAt, lastRequestAt, lastAnswerAt },
      answeredTooOften: answersOf.filter((count) => count > completions).length,
      answeredTooSeldom: answersOf.filter((count) => count < completions).length,
      answersPerBucket: Array.from(answersPerBucket, (count = 0) => count),
      inFlightPerBucket: Array.from(inFlightMs, (ms = 0) => ms / BUCKET_MS),
      meanDelayMs: answers === 0 ? 0 : delayMs / answers,
    }),
  };
}
