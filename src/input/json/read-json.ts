import { jsonParser } from 'stream-json/parser.js';
import type { BatchHead } from '../batch-head.ts';
import { BrokenInput } from '../input-error.ts';
import type { ProblemList } from '../input-error.ts';
import { ItemEnd } from './item-end.ts';
import { createJsonCheck, describeFault, END_PADDING, isCutOff } from './json-fault.ts';
import type { JsonFault } from './json-fault.ts';
import { MAX_VALUE_CHARACTERS, parseJsonValue } from './json-value.ts';
import { PromptDocument } from '../prompt-document.ts';
import type { PromptIntake } from '../prompt-intake.ts';
import { TextWindow } from './text-window.ts';

/** Reads a list of prompts, or a batch object with one. Throws `BrokenInput` at the first thing that is not JSON. */
export async function readJson(
  text: AsyncIterable<string>,
  intake: PromptIntake,
  problems: ProblemList,
): Promise<{ isBatch: boolean; head: BatchHead }> {
  const reader = new JsonReader(intake, problems);
  for await (const piece of text) await reader.take(piece);
  return reader.finish();
}

/** What the list of prompts goes on with, and the text that brings a check that saw its start only there. */
const EXPECTED = {
  'an item or the end': '',
  'a comma or the end': '""',
  'an item': '"",',
} as const;

/** An item that has not ended yet, in its pieces: all after the first are still to pass the window. */
interface OpenItem {
  end: ItemEnd;
  offset: number;
  pieces: string[];
}

/**
 * Reads what surrounds the prompts token by token. In their list it cuts out item by item and parses each
 * as a whole, which is several times faster; from the first thing that is not as it should be it reads
 * tokens again, to say where and what it is.
 */
class JsonReader {
  readonly #intake: PromptIntake;
  readonly #document: PromptDocument;
  readonly #window = new TextWindow();
  readonly #check = createJsonCheck();
  readonly #parse = jsonParser({ streamValues: false });
  /** Characters that were checked token by token. */
  #checked = 0;
  /** How many characters of the text before were not. */
  #skipped = 0;
  #place: 'before the prompts' | 'among the prompts' | 'after' = 'before the prompts';
  #expected: keyof typeof EXPECTED = 'an item or the end';
  #open: OpenItem | undefined;
  #sinceItem = 0;

  constructor(intake: PromptIntake, problems: ProblemList) {
    this.#intake = intake;
    this.#document = new PromptDocument(problems);
  }

  async take(piece: string): Promise<void> {
    let at = 0;
    if (this.#open) at = await this.#continueItem(this.#open, piece);
    else this.#window.push(piece);
    const start = this.#window.end - piece.length;
    while (at < piece.length && !this.#open) {
      if (this.#place === 'before the prompts') at = await this.#takeHead(piece, at);
      else if (this.#place === 'among the prompts') at = await this.#takeItems(piece, at, start);
      else {
        await this.#takeTokens(piece.slice(at));
        at = piece.length;
      }
    }
    this.#sinceItem += piece.length;
    if (this.#sinceItem > MAX_VALUE_CHARACTERS) {
      await this.#giveUpItem();
      throw this.#tooLarge();
    }
  }

  async finish(): Promise<{ isBatch: boolean; head: BatchHead }> {
    await this.#giveUpItem();
    const { end } = this.#window;
    const fault = this.#checkOn(END_PADDING);
    if (fault && !isCutOff(this.#window.from(fault.offset))) throw this.#invalid(fault);
    if (end === 0) throw new BrokenInput('is empty: it must hold at least one prompt');
    if (!fault) await this.#takeSound(END_PADDING);
    if (!this.#document.isComplete) throw this.#cutOff(end);
    return this.#document.finish(this.#intake.count);
  }

  /** Up to the next bracket that may open the list of prompts. */
  async #takeHead(piece: string, from: number): Promise<number> {
    const bracket = piece.indexOf('[', from);
    const to = bracket < 0 ? piece.length : bracket + 1;
    await this.#takeTokens(piece.slice(from, to));
    if (this.#document.isInPrompts) this.#place = 'among the prompts';
    return to;
  }

  /** Up to the end of the piece, or to what ends the list or is wrong. `start` is the piece's offset. */
  async #takeItems(piece: string, from: number, start: number): Promise<number> {
    for (let at = from; at < piece.length;) {
      const character = piece[at]!;
      if (/[ \t\r\n]/.test(character)) at += 1;
      else if (character === ',' && this.#expected === 'a comma or the end') {
        this.#expected = 'an item';
        at += 1;
      } else if (/["{]/.test(character) && this.#expected !== 'a comma or the end') {
        const end = new ItemEnd();
        const to = end.find(piece, at);
        if (to === undefined) {
          this.#open = { end, offset: start + at, pieces: [piece.slice(at)] };
          return piece.length;
        }
        if (!(await this.#takeItem(piece.slice(at, to)))) return this.#leaveList(start, at);
        at = to;
      } else return this.#leaveList(start, at);
    }
    return piece.length;
  }

  /** False where it is not JSON. */
  async #takeItem(text: string): Promise<boolean> {
    const value = parseJsonValue(text);
    if (value === undefined) return false;
    this.#sinceItem = 0;
    this.#expected = 'a comma or the end';
    await this.#intake.take(value);
    return true;
  }

  async #continueItem({ end, pieces }: OpenItem, piece: string): Promise<number> {
    const to = end.find(piece, 0);
    if (to !== undefined && (await this.#takeItem([...pieces, piece.slice(0, to)].join('')))) {
      for (const passed of [...pieces.slice(1), piece]) this.#window.push(passed);
      this.#open = undefined;
      return to;
    }
    pieces.push(piece);
    if (to !== undefined) await this.#giveUpItem();
    return piece.length;
  }

  /** Reads an item that is not whole, or not JSON, token by token: finds what is wrong. */
  async #giveUpItem(): Promise<void> {
    if (!this.#open) return;
    const { offset, pieces } = this.#open;
    this.#open = undefined;
    this.#leaveList(offset, 0);
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) this.#window.push(piece);
      await this.#takeTokens(piece);
    }
  }

  /** From here on, `at` behind the offset `start`, tokens are read again. */
  #leaveList(start: number, at: number): number {
    const standIn = EXPECTED[this.#expected];
    this.#check(standIn);
    for (const token of this.#tokensOf(standIn)) this.#document.take(token);
    this.#checked += standIn.length;
    this.#skipped = start + at - this.#checked;
    this.#place = 'after';
    return at;
  }

  async #takeTokens(text: string): Promise<void> {
    const before = this.#checked;
    const fault = this.#checkOn(text);
    // Up to the fault all is well: the items there are counted, and may have problems of their own.
    const sound = fault ? text.slice(0, Math.max(0, fault.offset - this.#skipped - before)) : text;
    await this.#takeSound(sound);
    if (fault) throw this.#invalid(fault);
  }

  #checkOn(text: string): JsonFault | undefined {
    const fault = this.#check(text);
    this.#checked += text.length;
    return fault && { ...fault, offset: fault.offset + this.#skipped };
  }

  async #takeSound(text: string): Promise<void> {
    for (const token of this.#tokensOf(text)) {
      const item = this.#document.take(token);
      if (item === undefined) continue;
      this.#sinceItem = 0;
      await this.#intake.take(item);
    }
  }

  #tokensOf(text: string) {
    const parsed = this.#parse(text);
    return typeof parsed === 'symbol' ? [] : parsed.values;
  }

  #invalid({ offset, expected }: JsonFault): BrokenInput {
    const { line, column } = this.#window.locate(offset);
    return new BrokenInput(
      `${this.#where()}line ${line}, column ${column}: ${describeFault(expected, this.#window.from(offset), offset === 0)}`,
    );
  }

  #cutOff(end: number): BrokenInput {
    if (!this.#document.isStarted)
      return new BrokenInput('holds nothing but blank space: it must hold at least one prompt');
    const { line } = this.#window.locate(end);
    return new BrokenInput(
      `${this.#where()}line ${line}: the file seems cut off here: copy or export it again`,
    );
  }

  #tooLarge(): BrokenInput {
    const what = this.#document.isInPrompts
      ? `item ${this.#intake.count + 1}`
      : 'what stands beside "prompts"';
    const size = `${MAX_VALUE_CHARACTERS / 1024 / 1024} million characters`;
    return new BrokenInput(`${what} is longer than ${size}: is a quote or a bracket missing?`);
  }

  #where(): string {
    if (!this.#document.isInPrompts) return '';
    const { count } = this.#intake;
    return this.#document.isInItem || count === 0 ? `item ${count + 1}: ` : `after item ${count}: `;
  }
}
