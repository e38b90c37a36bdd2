import { hostname, userInfo } from 'node:os';
import type { Requester } from '../../core/progress.ts';

/** Who types this command, and why. */
export const requestedBy = (reason: string | null): Requester => ({
  by: `${userName()}@${hostname()}`,
  reason,
});

/** In a container a user may have a number and no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user-${process.getuid?.() ?? 'unknown'}`;
  }
}
