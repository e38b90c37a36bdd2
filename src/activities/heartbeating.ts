import { Context } from '@temporalio/activity';

/** Well below the policies' heartbeat timeout of 10 s; the SDK sends a part of these only. */
const HEARTBEAT_EVERY_MS = 2000;

/** Tells Temporal that this attempt lives, as long as `work` takes. A dead worker is noticed by the silence. */
export async function heartbeating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  // The timeout counts from the attempt's start: most attempts are over before the first one is due.
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
