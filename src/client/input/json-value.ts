import Assembler from 'stream-json/assembler.js';
import type { Token } from 'stream-json/parser.js';
import type { ValuePath } from './describe-value.ts';
import { findFlaws, MAX_DEPTH, TOO_DEEP } from './find-flaws.ts';
import type { Flaw } from './find-flaws.ts';

/** Characters one value may have. Longer ones are a missing quote or bracket, not a prompt. */
export const MAX_VALUE_CHARACTERS = 16 * 1024 * 1024;

export interface JsonValue {
  value: unknown;
  flaws: Flaw[];
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
    return { value, flaws: [...this.#assembler.inexact, ...findFlaws(value)] };
  }
}

/** Notes the numbers that would come back changed, such as 64-bit ids. */
class ExactAssembler extends Assembler {
  readonly inexact: Flaw[] = [];

  override numberValue(text: string): void {
    if (!isExact(text)) {
      const problem = `is ${text.slice(0, 40)}, a number too large to be kept exactly: put it in quotes`;
      this.inexact.push({ path: this.#here(), problem });
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
