import { describeValue } from './describe-value.ts';
import { findFlaws } from './json/find-flaws.ts';
import { ProblemList } from './input-error.ts';
import { PromptIntake } from './prompt-intake.ts';
import type { PromptSink } from './prompt-intake.ts';
import type { PromptSource } from './read-prompt-file.ts';

/**
 * `readPromptFile` for prompts that a program has or makes, one at a time: messages call them `prompts`.
 * Takes what JSON can hold, as JSON holds it. What the iterable throws is thrown on. Throws the signal's reason once it is
 * aborted, without waiting for a prompt that is still being made.
 */
export async function readPromptList(
  items: unknown,
  sink: PromptSink,
  signal: AbortSignal = new AbortController().signal,
): Promise<PromptSource> {
  const problems = new ProblemList('prompts');
  const intake = new PromptIntake(problems, sink);
  if (!isIterable(items)) problems.add(`must be a list or another iterable, got ${describeValue(items)}`);
  else {
    for await (const item of untilAborted(items, signal)) await intake.take(toJsonValue(item));
    if (intake.count === 0) problems.add('the list of prompts is empty: it must hold at least one');
  }
  problems.throwIfAny();
  return { format: intake.format, prompts: intake.count };
}

/** Yields the items, and throws the signal's reason once it is aborted, also while an item is awaited. */
async function* untilAborted(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  signal: AbortSignal,
): AsyncGenerator<unknown, void, undefined> {
  signal.throwIfAborted();
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  // One listener for all items: `Promise.race` with a promise of the signal would keep each item until the end.
  let onAbort = (): void => {};
  const listener = (): void => onAbort();
  signal.addEventListener('abort', listener);
  /** Whether the iterator has neither ended nor thrown. */
  let isOpen = true;
  const read = async (): Promise<IteratorResult<unknown>> => {
    let next: IteratorResult<unknown>;
    try {
      next = await iterator.next();
      isOpen = next.done !== true;
    } catch (error) {
      isOpen = false;
      throw error;
    }
    // Promises that a list holds are awaited, as `for await` does.
    return next.done ? next : { done: false, value: await next.value };
  };
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<unknown>>((resolve, reject) => {
        onAbort = () => reject(signal.reason as Error);
        read().then(resolve, reject);
      });
      if (next.done) return;
      yield next.value;
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener('abort', listener);
    if (isOpen) {
      const closed = close(iterator);
      // A generator runs its `finally` only after the item that it is making.
      if (!signal.aborted) await closed;
    }
  }
}

/** Tells the iterator that no more is read. Its errors would hide why. */
async function close(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // Why it is closed is thrown instead.
  }
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
