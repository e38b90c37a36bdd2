import type { Token } from 'stream-json/parser.js';
import { checkHead, describeMissingPrompts } from './batch-head.ts';
import type { BatchHead } from './batch-head.ts';
import { describePath, describeValue } from './describe-value.ts';
import type { ProblemList } from './input-error.ts';
import { JsonValueBuilder, KEY_TWICE } from './json/json-value.ts';
import type { JsonValue } from './json/json-value.ts';

/** Follows the tokens of a JSON file: finds the prompts in it, and what is said of the batch. */
export class PromptDocument {
  readonly #problems: ProblemList;
  readonly #head = new Map<string, JsonValue>();
  #place: 'start' | 'batch' | 'prompts' | 'scalar' | 'end' = 'start';
  #isBatch = false;
  #hasPrompts = false;
  #hasList = false;
  #key = '';
  #builder: JsonValueBuilder | undefined;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  get isStarted(): boolean {
    return this.#place !== 'start';
  }

  get isComplete(): boolean {
    return this.#place === 'end';
  }

  get isInPrompts(): boolean {
    return this.#place === 'prompts';
  }

  get isInItem(): boolean {
    return this.isInPrompts && this.#builder !== undefined;
  }

  /** The prompt that ends with this token, if one does. */
  take(token: Token): JsonValue | undefined {
    if (this.#builder === undefined) {
      if (this.#step(token)) return undefined;
      this.#builder = new JsonValueBuilder();
    }
    const value = this.#builder.add(token);
    if (value === undefined) return undefined;
    this.#builder = undefined;
    if (this.#place === 'prompts') return value;
    this.#keep(value);
    return undefined;
  }

  /** Checks what only the end can tell; `prompts` is how many there were. */
  finish(prompts: number): { isBatch: boolean; head: BatchHead } {
    if (this.#isBatch && !this.#hasPrompts)
      this.#problems.add(describeMissingPrompts([...this.#head.keys()]));
    else if (this.#hasList && prompts === 0)
      this.#problems.add('the list of prompts is empty: it must hold at least one');
    const head = this.#hasPrompts ? checkHead(this.#head, this.#problems) : {};
    return { isBatch: this.#isBatch, head };
  }

  /** Moves on by a token of the outer structure; `false` where a value begins instead. */
  #step({ name, ...token }: Token): boolean {
    switch (this.#place) {
      case 'start':
        if (name === 'startArray') return this.#enterPrompts();
        this.#place = name === 'startObject' ? 'batch' : 'scalar';
        this.#isBatch = name === 'startObject';
        return this.#isBatch;
      case 'batch':
        if (name === 'endObject') this.#place = 'end';
        else if (name === 'keyValue') this.#key = 'value' in token ? String(token.value) : '';
        else
          return (
            name === 'startArray' && this.#key === 'prompts' && !this.#hasPrompts && this.#enterPrompts()
          );
        return true;
      case 'prompts':
        if (name !== 'endArray') return false;
        this.#place = this.#isBatch ? 'batch' : 'end';
        return true;
      default:
        throw new Error(`token ${name} after the end of the document`);
    }
  }

  #enterPrompts(): true {
    this.#place = 'prompts';
    this.#hasPrompts = true;
    this.#hasList = true;
    return true;
  }

  #keep(field: JsonValue): void {
    if (this.#place === 'scalar') {
      this.#place = 'end';
      this.#problems.add(
        `must be a list of prompts or an object with "prompts", got ${describeValue(field.value)}`,
      );
    } else if (this.#key === 'prompts' && !this.#hasPrompts) {
      this.#hasPrompts = true;
      this.#problems.add(`"prompts" must be a list, got ${describeValue(field.value)}`);
    } else if (this.#key === 'prompts' || this.#head.has(this.#key)) {
      this.#problems.add(`${describePath([this.#key])} ${KEY_TWICE}`);
    } else {
      this.#head.set(this.#key, field);
    }
  }
}
