import { WriteStream } from 'node:tty';
import type { Writable } from 'node:stream';

/**
 * A reader that has seen enough (`| head`), or a terminal that was closed, is no error: nothing more is written, and
 * the command goes on to its end.
 */
export function ignoreClosedOutput(stream: Writable): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    const isGone = error.code === 'EPIPE' || (error.code === 'EIO' && stream instanceof WriteStream);
    if (!isGone) throw error;
  });
}
