import { describeValue } from './describe-value.ts';
import { findFlaws } from './find-flaws.ts';
import { ProblemList } from './input-error.ts';
import { PromptIntake } from './prompt-intake.ts';
import type { PromptSink } from './prompt-intake.ts';
import type { PromptSource } from './read-prompt-file.ts';

/**
 * `readPromptFile` for prompts that a program has or makes, one at a time: messages call them `prompts`.
 * Takes what JSON can hold, as JSON holds it. What the iterable throws is thrown on.
 */
export async function readPromptList(items: unknown, sink: PromptSink): Promise<PromptSource> {
  const problems = new ProblemList('prompts');
  const intake = new PromptIntake(problems, sink);
  if (!isIterable(items)) problems.add(`must be a list or another iterable, got ${describeValue(items)}`);
  else {
    for await (const item of items) await intake.take(toJsonValue(item));
    if (intake.count === 0) problems.add('the list of prompts is empty: it must hold at least one');
  }
  problems.throwIfAny();
  return { format: intake.format, prompts: intake.count };
}

/** A text is one prompt, not a list of characters. */
const isIterable = (value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);

/** A copy without what JSON leaves out, so that the caller's later changes do not reach it. */
function toJsonValue(item: unknown) {
  const flaws = findFlaws(item);
  const value: unknown = flaws.length > 0 || item === undefined ? item : JSON.parse(JSON.stringify(item));
  return { value, flaws };
}
