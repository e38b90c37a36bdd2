import type { BatchHead } from './batch-head.ts';
import { detectLayout } from './json/detect-layout.ts';
import { BrokenInput, ProblemList } from './input-error.ts';
import { PromptIntake } from './prompt-intake.ts';
import type { PromptSink } from './prompt-intake.ts';
import { readJsonLines } from './json/read-json-lines.ts';
import { readJson } from './json/read-json.ts';
import { readText } from './read-text.ts';

export interface PromptSource extends BatchHead {
  format: 'items' | 'batch' | 'strings' | 'jsonl';
  /** How many there are. */
  prompts: number;
  /** Fields that may be meant otherwise, a sentence each; absent where there are none. */
  notes?: string[];
}

/**
 * Streams the file: calls `sink` with each normalised prompt in order and awaits it. After the first
 * problem it only goes on checking, and throws an `InputError` with all of them at the end. `before`: as many
 * prompts come before those of the file.
 */
export async function readPromptFile(file: string, sink: PromptSink, before = 0): Promise<PromptSource> {
  const problems = new ProblemList(file);
  const intake = new PromptIntake(problems, sink, before);
  const source = await readSource(file, intake, problems).catch((error: unknown) => {
    if (!(error instanceof BrokenInput)) throw error;
    problems.add(error.message);
  });
  problems.throwIfAny();
  const { count, notes } = intake;
  return { ...source!, prompts: count, ...(notes.length > 0 && { notes }) };
}

async function readSource(
  file: string,
  intake: PromptIntake,
  problems: ProblemList,
): Promise<Omit<PromptSource, 'prompts' | 'notes'>> {
  const { layout, text } = await detectLayout(file, readText(file));
  if (layout === 'json-lines') {
    await readJsonLines(text, intake, problems);
    return { format: 'jsonl' };
  }
  const { isBatch, head } = await readJson(text, intake, problems);
  return { format: isBatch ? 'batch' : intake.format, ...head };
}
