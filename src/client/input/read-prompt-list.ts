import { describeValue } from './describe-value.ts';
import { findFlaws } from './find-flaws.ts';
import { ProblemList } from './input-error.ts';
import { PromptIntake } from './prompt-intake.ts';
import type { PromptSink } from './prompt-intake.ts';
import type { PromptSource } from './read-prompt-file.ts';

/** `readPromptFile` for a list in memory: messages call it `prompts`. Takes what JSON can hold, as JSON holds it. */
export async function readPromptList(items: readonly unknown[], sink: PromptSink): Promise<PromptSource> {
  const problems = new ProblemList('prompts');
  const intake = new PromptIntake(problems, sink);
  if (!Array.isArray(items)) problems.add(`must be a list, got ${describeValue(items)}`);
  else if (items.length === 0) problems.add('the list of prompts is empty: it must hold at least one');
  else for (const item of items as unknown[]) await intake.take(toJsonValue(item));
  problems.throwIfAny();
  return { format: intake.format, prompts: intake.count };
}

/** A copy without what JSON leaves out, so that the caller's later changes do not reach it. */
function toJsonValue(item: unknown) {
  const flaws = findFlaws(item);
  const value: unknown = flaws.length > 0 || item === undefined ? item : JSON.parse(JSON.stringify(item));
  return { value, flaws };
}
