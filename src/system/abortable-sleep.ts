import { setTimeout as sleep } from 'node:timers/promises';

/** Sleeps `ms`, or until `signal` comes: whoever waits in a loop looks at it next. */
export const abortableSleep = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => {
    // the loop sees what woke it
  });
