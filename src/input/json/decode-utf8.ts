import { isUtf8 } from 'node:buffer';
import { BrokenInput } from '../input-error.ts';

const BYTE_ORDER_MARK = '\ufeff';
const NEWLINE = 0x0a;

/** The text of UTF-8 bytes, without its byte order mark. Throws `BrokenInput` after the last sound character. */
export async function* decodeUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  // A byte order mark is dropped by hand: each piece is a start to the decoder.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = Buffer.alloc(0);
  let offset = 0;
  let line = 1;
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    if (offset === 0) assertNotUtf16(bytes);
    const whole = bytes.subarray(0, endOfCharacters(bytes));
    const sound = isUtf8(whole) ? whole.length : firstBadByte(whole);
    let text = decoder.decode(whole.subarray(0, sound));
    if (offset === 0 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    if (text !== '') yield text;
    if (sound < whole.length) throw notUtf8(whole, sound, offset, line);
    offset += whole.length;
    line += countNewlines(whole);
    rest = bytes.subarray(whole.length);
  }
  if (rest.length > 0) {
    throw new BrokenInput(
      `line ${line}, byte ${offset}: ends in the middle of a character: the file seems cut off, or is not UTF-8`,
    );
  }
}

function assertNotUtf16(bytes: Buffer): void {
  const mark = bytes.subarray(0, 2).toString('hex');
  const everySecondIsZero = bytes.length >= 4 && (bytes[0] === 0 || bytes[1] === 0) && bytes[0] !== bytes[1];
  if (mark !== 'fffe' && mark !== 'feff' && !everySecondIsZero) return;
  throw new BrokenInput(
    "is UTF-16 text, as Windows PowerShell's Out-File and > write it: " +
      'save it as UTF-8 (Out-File -Encoding utf8)',
  );
}

/** Where the last whole character ends: at most three bytes of a character wait for its others. */
function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    const length = byte >= 0xf8 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 0;
    if (length > back) return bytes.length - back;
    if (length > 0) break;
  }
  return bytes.length;
}

function notUtf8(bytes: Buffer, at: number, offset: number, line: number): BrokenInput {
  const byte = bytes[at]!.toString(16).toUpperCase().padStart(2, '0');
  const where = `line ${line + countNewlines(bytes.subarray(0, at))}, byte ${offset + at}`;
  return new BrokenInput(`${where}: the byte 0x${byte} is not UTF-8: save the file as UTF-8`);
}

function firstBadByte(bytes: Buffer): number {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let start = 0;
  try {
    for (let index = 0; index < bytes.length; index++) {
      if (decoder.decode(bytes.subarray(index, index + 1), { stream: true }) !== '') start = index + 1;
    }
  } catch {
    return start;
  }
  return start;
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
