import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/** What the stand-in provider looks for in a request to know its prompt; the position in the file follows. */
export const MARK = 'bench-';
const DIGITS = 7;
const FILLER = 'Say in two or three sentences what a durable workflow engine does, and for whom. '.repeat(3);

const promptIdOf = (index: number): string => `${MARK}${String(index).padStart(DIGITS, '0')}`;

/** Writes the prompts of a workload as JSON Lines. */
export async function writePromptFile(path: string, prompts: number): Promise<void> {
  const file = createWriteStream(path);
  for (let index = 0; index < prompts; index++) {
    const id = promptIdOf(index);
    const line = `${JSON.stringify({ prompt_id: id, prompt: `${id}: ${FILLER}` })}\n`;
    if (!file.write(line)) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}

/** Position of the prompt that a request's body is about. Throws if it names none. */
export function promptIndexIn(body: Buffer): number {
  const at = body.indexOf(MARK);
  if (at < 0) throw new Error('the request names no prompt of the benchmark');
  return Number(body.toString('latin1', at + MARK.length, at + MARK.length + DIGITS));
}
