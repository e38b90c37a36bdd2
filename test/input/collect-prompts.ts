import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { PromptItem } from '../../src/core/prompt.ts';
import { InputError } from '../../src/input/input-error.ts';
import { readPromptFile } from '../../src/input/read-prompt-file.ts';

/** Runs `use` with a file of that name and content; the folder is removed after. */
export async function withFile<T>(
  name: string,
  content: string | Buffer,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'durabatch-input-'));
  try {
    const file = path.join(folder, name);
    await writeFile(file, content);
    return await use(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function collectPrompts(name: string, content: string | Buffer) {
  return withFile(name, content, async (file) => {
    const items: PromptItem[] = [];
    const source = await readPromptFile(file, (item, position) => {
      if (position !== items.length) throw new Error(`position ${position} after ${items.length} items`);
      items.push(item);
    });
    return { source, items };
  });
}

/** The problems of a bad file, its folder left out. */
export async function problemsOf(name: string, content: string | Buffer): Promise<string[]> {
  return withFile(name, content, async (file) => {
    const error = await failureOf(readPromptFile(file, () => undefined));
    return error.problems.map((problem) => problem.replaceAll(path.dirname(file) + path.sep, ''));
  });
}

export async function failureOf(reading: Promise<unknown>): Promise<InputError> {
  const outcome = await reading.then(
    (value) => new Error(`it was read: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (outcome instanceof InputError) return outcome;
  throw outcome;
}
