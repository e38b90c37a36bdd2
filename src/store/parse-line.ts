/**
 * Returns the value of a line of JSON. Throws an `Error` without anything of the line, which a `SyntaxError` would quote: the
 * message may go to Temporal, and no text of a prompt or an answer does.
 */
export function parseLine(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new Error('it is not JSON');
  }
}
