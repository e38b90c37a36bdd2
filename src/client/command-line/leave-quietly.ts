import type { Writable } from 'node:stream';

/** A reader that has seen enough (`| head`) is no error: nothing more is written, and the command goes on to its end. */
export function leaveQuietly(stream: Writable): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
