/** Files of lines as bytes: only a line feed ends one, whatever else a text holds that looks like a line's end. */
import type { FileHandle } from 'node:fs/promises';

const NEWLINE = 0x0a;
const CHUNK_BYTES = 1 << 20;
/** Longer than any prompt or answer: about as much as fits into one string. */
const MAX_LINE_BYTES = 256 << 20;

export interface Line {
  /** Without its line feed. */
  bytes: Buffer;
  /** Where it starts in the file. */
  offset: number;
  /** Nothing follows it before the end of what is read; it may be without a line feed. */
  last: boolean;
}

/** The lines of `file` between two offsets, as many at a time as one read brings. */
export async function* linesOf(file: FileHandle, from: number, to: number): AsyncGenerator<Line[]> {
  let rest: Buffer[] = [];
  let restLength = 0;
  let restOffset = from;
  for (let at = from; at < to;) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, to - at));
    await readFully(file, chunk, at);
    at += chunk.length;
    if (!chunk.includes(NEWLINE)) {
      // Joined once, however long the line is.
      rest.push(chunk);
      restLength += chunk.length;
      if (restLength > MAX_LINE_BYTES)
        throw new Error(
          `a file of the batch has a line of more than ${MAX_LINE_BYTES} bytes at byte ${restOffset}: it is damaged`,
        );
      continue;
    }
    const buffer = rest.length > 0 ? Buffer.concat([...rest, chunk]) : chunk;
    const lines: Line[] = [];
    let start = 0;
    for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
      const offset = restOffset + start;
      lines.push({ bytes: buffer.subarray(start, end), offset, last: offset + (end - start) + 1 >= to });
      start = end + 1;
    }
    rest = start < buffer.length ? [buffer.subarray(start)] : [];
    restLength = buffer.length - start;
    restOffset += start;
    yield lines;
  }
  if (rest.length > 0) yield [{ bytes: Buffer.concat(rest), offset: restOffset, last: true }];
}

/** Fills `into` from `position` on. Throws if the file ends before. */
export async function readFully(file: FileHandle, into: Buffer, position: number): Promise<void> {
  await readAtLeast(into.length, file, into, position);
}

/** Reads into `into` from `position` on; resolves to how many bytes. Throws if the file ends before `least`. */
export async function readAtLeast(
  least: number,
  file: FileHandle,
  into: Buffer,
  position: number,
): Promise<number> {
  let read = 0;
  do {
    const { bytesRead } = await file.read(into, read, into.length - read, position + read);
    if (bytesRead === 0 && read < least)
      throw new Error('a file of the batch became shorter while it was read');
    read += bytesRead;
  } while (read < least);
  return read;
}
