import { jsonParser } from 'stream-json/parser.js';
import type { BatchHead } from './batch-head.ts';
import { BrokenInput } from './input-error.ts';
import type { ProblemList } from './input-error.ts';
import { createJsonCheck, describeFault, END_PADDING, isCutOff } from './json-fault.ts';
import type { JsonFault } from './json-fault.ts';
import { MAX_VALUE_CHARACTERS } from './json-value.ts';
import { PromptDocument } from './prompt-document.ts';
import type { PromptIntake } from './prompt-intake.ts';
import { TextWindow } from './text-window.ts';

/** Reads a list of prompts, or a batch object with one. Throws `BrokenInput` at the first thing that is not JSON. */
export async function readJson(
  text: AsyncIterable<string>,
  intake: PromptIntake,
  problems: ProblemList,
): Promise<{ isBatch: boolean; head: BatchHead }> {
  const check = createJsonCheck();
  const parse = jsonParser({ streamValues: false });
  const document = new PromptDocument(problems);
  const window = new TextWindow();
  let sinceItem = 0;

  for await (const piece of text) {
    const fault = check(piece);
    // Up to the fault all is well: the items there are counted, and may have problems of their own.
    await takeTokens(fault ? piece.slice(0, Math.max(0, fault.offset - window.end)) : piece);
    window.push(piece);
    if (fault) throw invalid(fault);
    sinceItem += piece.length;
    if (sinceItem > MAX_VALUE_CHARACTERS) throw tooLarge();
  }
  const end = window.end;
  const fault = check(END_PADDING);
  if (fault && !isCutOff(window.from(fault.offset))) throw invalid(fault);
  if (end === 0) throw new BrokenInput('is empty: it must hold at least one prompt');
  await takeTokens(END_PADDING.slice(0, fault ? 0 : undefined));
  if (!document.isComplete) throw cutOff();
  return document.finish(intake.count);

  async function takeTokens(sound: string): Promise<void> {
    const parsed = parse(sound);
    if (typeof parsed === 'symbol') return;
    for (const token of parsed.values) {
      const item = document.take(token);
      if (item === undefined) continue;
      sinceItem = 0;
      await intake.take(item);
    }
  }

  function invalid({ offset, expected }: JsonFault): BrokenInput {
    const { line, column } = window.locate(offset);
    return new BrokenInput(
      `${place()}line ${line}, column ${column}: ${describeFault(expected, window.from(offset))}`,
    );
  }

  function cutOff(): BrokenInput {
    if (!document.isStarted)
      return new BrokenInput('holds nothing but blank space: it must hold at least one prompt');
    const { line } = window.locate(end);
    return new BrokenInput(`${place()}line ${line}: the file seems cut off here: copy or export it again`);
  }

  function tooLarge(): BrokenInput {
    const what = document.isInPrompts ? `item ${intake.count + 1}` : 'what stands beside "prompts"';
    const size = `${MAX_VALUE_CHARACTERS / 1024 / 1024} million characters`;
    return new BrokenInput(`${what} is longer than ${size}: is a quote or a bracket missing?`);
  }

  function place(): string {
    if (!document.isInPrompts) return '';
    return document.isInItem || intake.count === 0
      ? `item ${intake.count + 1}: `
      : `after item ${intake.count}: `;
  }
}
