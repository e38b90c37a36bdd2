/**
 * Waits for what will happen, however slow the machine is.
 *
 *   await until(() => script.running === 3, 'three prompts in progress');
 *   const status = await firstOf(() => askStatus(), ({ state }) => state === 'paused', 'a paused batch');
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Only what never happens is waited for this long: no machine on which the tests make sense is that slow. */
export const LONGEST_WAIT_MS = 10 * 60_000;
const POLL_MS = 20;

/** Looks until the condition holds. Throws after {@link LONGEST_WAIT_MS}, with what was waited for. */
export const until = async (
  holds: () => boolean | Promise<boolean>,
  what: string = String(holds),
): Promise<void> => {
  await firstOf(
    async () => holds(),
    (isSo) => isSo,
    what,
  );
};

/** Returns the first thing seen that is wanted. Throws after {@link LONGEST_WAIT_MS}, with what was seen last. */
export async function firstOf<Seen>(
  look: () => Promise<Seen>,
  isWanted: (seen: Seen) => boolean,
  what: string = String(isWanted),
): Promise<Seen> {
  const end = performance.now() + LONGEST_WAIT_MS;
  for (;;) {
    const seen = await look();
    if (isWanted(seen)) return seen;
    if (performance.now() > end)
      throw new Error(
        `waited ${LONGEST_WAIT_MS / 60_000} minutes in vain for: ${what}; seen last: ${show(seen)}`,
      );
    await sleep(POLL_MS);
  }
}

const show = (seen: unknown): string => (JSON.stringify(seen) ?? String(seen)).slice(0, 2000);
