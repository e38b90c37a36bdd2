/** What a command does when a terminal closes (SIGHUP). */
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * Prepares this process for the end of its terminal. To be called first of all. A command that prints elsewhere (`nohup`,
 * redirected, a service) goes on as if nothing had happened; Node does not leave this to `nohup`, since it resets an
 * inherited ignore of SIGHUP.
 */
export function outliveTerminals(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  // Node restores the modes of its terminals when it ends, and aborts where one is gone but not closed.
  process.on('exit', () => terminals.filter((fd) => !isatty(fd)).forEach((fd) => closeSync(fd)));
  if (process.stdout.isTTY) return;
  process.on('SIGHUP', () => {
    // ignored
  });
}

/** Calls `stop` when the terminal that a command prints to is closed. Never for a command that prints elsewhere. */
export function onHangup(stop: () => void): void {
  if (process.stdout.isTTY) process.on('SIGHUP', stop);
}
