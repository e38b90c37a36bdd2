import type { WorkerPace } from '../contract.ts';

/** Words that say something new stand at least this far apart; other slots are urgent, another reason less so. */
const SLOTS_EVERY_MS = 1000;
const REASON_EVERY_MS = 5000;
/** While requests go: a worker that is silent is taken for gone. */
const REPEAT_EVERY_MS = 60_000;
const LEAST_CHANGE = 0.1;

type Pace = Omit<WorkerPace, 'worker'>;

export interface PaceTeller {
  tell(pace: Pace): void;
  stop(): void;
}

/** Tells the batch what is new, now and then. A word that is lost does no harm: a later one says it again. */
export function createPaceTeller(send: (pace: Pace) => Promise<void>, clock: () => number): PaceTeller {
  let told: (Pace & { at: number }) | null = null;
  let latest: Pace | null = null;
  let isSending = false;
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    if (isSending || !latest) return;
    const at = clock();
    const waitMs = told ? told.at + restMs(told, latest) - at : 0;
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

function restMs(told: Pace, now: Pace): number {
  if (Math.abs(now.slots - told.slots) >= Math.max(1, LEAST_CHANGE * told.slots)) return SLOTS_EVERY_MS;
  return now.reason === told.reason ? REPEAT_EVERY_MS : REASON_EVERY_MS;
}
