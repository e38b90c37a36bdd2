import type { WorkerPace } from '../core/batch-input.ts';

/** Words that say something new stand at least this far apart; other slots are urgent, another reason less so. */
const SLOTS_EVERY_MS = 1000;
const REASON_EVERY_MS = 5000;
/** Numbers change with every answer: the longer it goes on, the more rarely they are told. */
const SHARE_OF_AGE = 1 / 50;
/** While requests go: a worker that is silent is taken for gone. */
const REPEAT_EVERY_MS = 60_000;
const MIN_CHANGE = 0.1;

type Pace = Omit<WorkerPace, 'worker'>;

export interface PaceReporter {
  tell(pace: Pace): void;
  stop(): void;
}

/** Tells the batch what is new, now and then. A word that is lost does no harm: a later one says it again. */
export function createPaceReporter(send: (pace: Pace) => Promise<void>, clock: () => number): PaceReporter {
  const startedAt = clock();
  let told: (Pace & { at: number }) | null = null;
  let latest: Pace | null = null;
  let isSending = false;
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    if (isSending || !latest) return;
    const at = clock();
    const waitMs = told ? told.at + restMs(told, latest, at - startedAt) - at : 0;
    clearTimeout(timer);
    if (waitMs > 0) {
      timer = setTimeout(look, waitMs).unref();
      return;
    }
    const pace = latest;
    told = { ...pace, at };
    latest = null;
    isSending = true;
    void send(pace)
      .catch(() => {
        // the batch has closed, or the server is away
      })
      .finally(() => {
        isSending = false;
        look();
      });
  };
  return {
    tell: (pace) => {
      latest = pace;
      look();
    },
    stop: () => {
      latest = null;
      clearTimeout(timer);
    },
  };
}

function restMs(told: Pace, now: Pace, ageMs: number): number {
  const change = Math.abs(now.slots - told.slots);
  // One slot more or less is no news, however few there are: it comes and goes with the median of the answers.
  if (change > 1 && change >= MIN_CHANGE * told.slots) return SLOTS_EVERY_MS;
  if (change !== 1 && now.reason === told.reason) return REPEAT_EVERY_MS;
  if (wordsOf(now) !== wordsOf(told)) return REASON_EVERY_MS;
  return Math.min(REPEAT_EVERY_MS, Math.max(REASON_EVERY_MS, ageMs * SHARE_OF_AGE));
}

/** The reason without its numbers. */
const wordsOf = ({ reason }: Pace): string => reason.replaceAll(/\d+/g, '#');
