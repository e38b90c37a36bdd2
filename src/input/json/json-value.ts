import Assembler from 'stream-json/assembler.js';
import { jsonParser } from 'stream-json/parser.js';
import type { Token } from 'stream-json/parser.js';
import type { ValuePath } from '../describe-value.ts';
import { findFlaws, MAX_DEPTH, TOO_DEEP } from './find-flaws.ts';
import type { Flaw } from './find-flaws.ts';
import { END_PADDING } from './json-fault.ts';

/** Characters one value may have. Longer ones are a missing quote or bracket, not a prompt. */
export const MAX_VALUE_CHARACTERS = 16 * 1024 * 1024;

export const KEY_TWICE = 'occurs twice in the object: keep one';

export interface JsonValue {
  value: unknown;
  flaws: Flaw[];
}

/** A whole value; `undefined` where the text is not JSON. */
export function parseJsonValue(text: string): JsonValue | undefined {
  const value = parseIfJson(text);
  if (value === undefined) return undefined;
  if (!isExactAndShallow(value, 0) || countKeys(value) !== countWrittenKeys(text)) return buildValue(text);
  // The text came from UTF-8: half a character can only be written as an escape.
  return { value, flaws: /\\u[dD]/.test(text) ? findFlaws(value) : [] };
}

function parseIfJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether no number lost digits and nothing is nested too deep. */
function isExactAndShallow(value: unknown, depth: number): boolean {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  for (const entry of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
    if (!isExactAndShallow(entry, depth + 1)) return false;
  }
  return true;
}

/** Of a value that is not nested too deep. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const entries: unknown[] = Object.values(value);
  return entries.reduce<number>(
    (sum, entry) => sum + countKeys(entry),
    Array.isArray(value) ? 0 : entries.length,
  );
}

/** Keys of all objects as they stand in JSON: more than the parsed value has, where one stands twice in its object. */
function countWrittenKeys(json: string): number {
  let count = 0;
  for (let start = json.indexOf('"'); start >= 0;) {
    const end = endOfText(json, start);
    let next = end + 1;
    while (/[ \t\r\n]/.test(json[next] ?? '')) next++;
    if (json[next] === ':') count++;
    start = json.indexOf('"', end + 1);
  }
  return count;
}

/** Where the quote stands that ends the text which begins at `start`. */
function endOfText(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); ; quote = json.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (json[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote;
  }
}

/** Builds it token by token, which tells how its numbers and keys were written. */
function buildValue(text: string): JsonValue | undefined {
  const parsed = jsonParser({ streamValues: false })(text + END_PADDING);
  const builder = new JsonValueBuilder();
  for (const token of typeof parsed === 'symbol' ? [] : parsed.values) {
    const value = builder.add(token);
    if (value) return value;
  }
  return undefined;
}

/** Builds one value out of tokens. What is nested too deep is read over, not built. */
export class JsonValueBuilder {
  readonly #assembler = new ExactAssembler();
  #depth = 0;
  #deepest = 0;

  /** The value, as soon as its last token is there. */
  add(token: Token): JsonValue | undefined {
    if (token.name === 'startObject' || token.name === 'startArray') this.#depth += 1;
    this.#deepest = Math.max(this.#deepest, this.#depth);
    if (this.#deepest <= MAX_DEPTH) this.#assembler.consume(token);
    if (token.name === 'endObject' || token.name === 'endArray') this.#depth -= 1;
    return this.#depth > 0 ? undefined : this.#finish();
  }

  #finish(): JsonValue {
    if (this.#deepest > MAX_DEPTH) return { value: undefined, flaws: [{ path: [], problem: TOO_DEEP }] };
    const value: unknown = this.#assembler.current;
    return { value, flaws: [...this.#assembler.flaws, ...findFlaws(value)] };
  }
}

/** Notes what would be lost: digits of large numbers, such as 64-bit ids, and the first value of a key that stands twice. */
class ExactAssembler extends Assembler {
  readonly flaws: Flaw[] = [];
  /** Of each object that is open. */
  readonly #keys: Set<string>[] = [];

  override startObject(): void {
    this.#keys.push(new Set());
    super.startObject();
  }

  override endObject(): void {
    this.#keys.pop();
    super.endObject();
  }

  override keyValue(name: string): void {
    const keys = this.#keys.at(-1);
    if (keys?.has(name)) this.flaws.push({ path: [...this.path, name], problem: KEY_TWICE });
    keys?.add(name);
    super.keyValue(name);
  }

  override numberValue(text: string): void {
    if (!isExact(text)) {
      const problem = `is ${text.slice(0, 40)}, a number too large to be kept exactly: put it in quotes`;
      this.flaws.push({ path: this.#here(), problem });
    }
    super.numberValue(text);
  }

  #here(): ValuePath {
    if (this.done) return [];
    const container: unknown = this.current;
    return [...this.path, this.key ?? (Array.isArray(container) ? container.length : '')];
  }
}

/** Digits after the point may be rounded; a whole number must come back as it was written. */
function isExact(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  return (
    Number.isSafeInteger(value) ||
    !/^-?\d+$/.test(text) ||
    String(value) === text ||
    BigInt(text) === BigInt(value)
  );
}
