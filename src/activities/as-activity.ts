import { Context } from '@temporalio/activity';
import { toActivityFailure } from './failures.ts';

/** Well below the heartbeat timeout of the policies; the SDK sends a part of these only. */
const HEARTBEAT_EVERY_MS = 2000;

/** Makes an activity of `work`: one that heartbeats while it works, and whose failure has a name. */
export const asActivity =
  <Input, Output>(work: (input: Input) => Promise<Output>) =>
  async (input: Input): Promise<Output> => {
    try {
      return await heartbeating(() => work(input));
    } catch (error) {
      throw toActivityFailure(error);
    }
  };

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
