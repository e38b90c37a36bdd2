import { BrokenInput } from '../input-error.ts';
import type { ProblemList } from '../input-error.ts';
import { createJsonCheck, describeFault, END_PADDING, isCutOff } from './json-fault.ts';
import type { JsonFault } from './json-fault.ts';
import { MAX_VALUE_CHARACTERS, parseJsonValue } from './json-value.ts';
import type { PromptIntake } from '../prompt-intake.ts';

interface Line {
  text: string;
  /** From 1. */
  number: number;
  /** No line break ends it. */
  isOpen: boolean;
}

/** Reads one item a line, blank lines left out. A line that is not JSON is a problem of its own. */
export async function readJsonLines(
  text: AsyncIterable<string>,
  intake: PromptIntake,
  problems: ProblemList,
): Promise<void> {
  let isEmpty = true;
  for await (const line of linesOf(text)) {
    isEmpty = false;
    if (line.text.trim() === '') continue;
    if (intake.count === 0 && line.text.trimStart().startsWith('[')) {
      throw new BrokenInput(`line ${line.number}: a list begins: name the file .json if it is one JSON list`);
    }
    const found = parseJsonValue(line.text);
    if (found) {
      await intake.take(found, ` (line ${line.number})`);
      continue;
    }
    // The line keeps its place among the items, so that later numbers are right.
    intake.skip();
    problems.add(`item ${intake.count} ${describeBrokenLine(line, faultOf(line.text))}`);
  }
  if (isEmpty) throw new BrokenInput('is empty: it must hold at least one prompt');
  if (intake.count === 0) problems.add('holds nothing but blank space: it must hold at least one prompt');
}

function faultOf(text: string): JsonFault | undefined {
  const check = createJsonCheck();
  return check(text + END_PADDING);
}

function describeBrokenLine({ text, number, isOpen }: Line, fault: JsonFault | undefined): string {
  const rest = fault ? text.slice(fault.offset).trimEnd() : '';
  if (fault === undefined || isCutOff(rest)) {
    return isOpen
      ? `(line ${number}): the file seems cut off here: copy or export it again`
      : `(line ${number}): the line ends in the middle of its item: an item must stand on one line`;
  }
  return `(line ${number}, column ${fault.offset + 1}): ${describeFault(fault.expected, text.slice(fault.offset), number === 1 && fault.offset === 0)}`;
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<Line, void, undefined> {
  let number = 1;
  let open: string[] = [];
  let length = 0;
  for await (const piece of text) {
    const [first, ...others] = piece.split('\n') as [string, ...string[]];
    open.push(first);
    length += first.length;
    if (length > MAX_VALUE_CHARACTERS) {
      const size = `${MAX_VALUE_CHARACTERS / 1024 / 1024} million characters`;
      throw new BrokenInput(`line ${number} is longer than ${size}: does the file have one item a line?`);
    }
    for (const next of others) {
      yield { text: open.join(''), number, isOpen: false };
      number += 1;
      open = [next];
      length = next.length;
    }
  }
  if (length > 0) yield { text: open.join(''), number, isOpen: true };
}
