/** Later than this, it was the process that slept, not the other side. */
const FROZEN_MS = 500;
/** What has arrived meanwhile is read within this time. */
const THAW_MS = 2000;

export interface Deadline {
  /** Starts the time anew. */
  extend(): void;
  clear(): void;
}

/**
 * Calls `onOver` after `ms`. A process that was frozen (suspended, stopped, out of processor) has to read
 * what arrived before it may call the other side silent: it gets a little longer.
 */
export function createDeadline(ms: number, onOver: () => void): Deadline {
  let due = 0;
  let timer: NodeJS.Timeout;
  let lastLook: NodeJS.Immediate | undefined;
  const startTimer = (forMs: number): void => {
    due = performance.now() + forMs;
    timer = setTimeout(fire, forMs);
  };
  const fire = (): void => {
    if (performance.now() - due > FROZEN_MS) startTimer(THAW_MS);
    // Timers come before what has arrived in the same moment.
    else lastLook = setImmediate(onOver);
  };
  const stop = (): void => {
    clearTimeout(timer);
    clearImmediate(lastLook);
  };
  startTimer(ms);
  return {
    extend: () => {
      stop();
      startTimer(ms);
    },
    clear: stop,
  };
}
