import type { PromptItem } from '../../contract.ts';
import { quoteText } from './describe-value.ts';
import type { ProblemList } from './input-error.ts';
import type { JsonValue } from './json-value.ts';
import { checkItem } from './prompt-item.ts';
import type { CheckedItem } from './prompt-item.ts';

/** Takes a normalised prompt; `position` counts from 0. */
export type PromptSink = (item: PromptItem, position: number) => void | Promise<void>;

/** Takes an input's items one by one: checks each, and hands it on as long as there is no problem at all. */
export class PromptIntake {
  readonly #problems: ProblemList;
  readonly #sink: PromptSink;
  /** Number of the item that uses an id. */
  readonly #users = new Map<string, number>();
  #count = 0;
  #hasObjects = false;

  constructor(problems: ProblemList, sink: PromptSink) {
    this.#problems = problems;
    this.#sink = sink;
  }

  /** Items so far, bad ones included: the number of the newest. */
  get count(): number {
    return this.#count;
  }

  get format(): 'items' | 'strings' {
    return this.#hasObjects ? 'items' : 'strings';
  }

  /** `place` tells more about where the item is, such as ` (line 5)`. */
  async take({ value, flaws }: JsonValue, place = ''): Promise<void> {
    const position = this.#count;
    this.#count += 1;
    if (typeof value !== 'string') this.#hasObjects = true;
    const checked = checkItem(value, flaws, position);
    for (const problem of [...checked.problems, ...this.#claimId(checked)]) {
      this.#problems.add(`item ${this.#count}${place}: ${problem}`);
    }
    if (this.#problems.total === 0) await this.#sink(checked.item, position);
  }

  /** Counts an item that could not be read. */
  skip(): void {
    this.#count += 1;
  }

  #claimId({ item, idSource }: CheckedItem): string[] {
    if (idSource === 'none') return [];
    const user = this.#users.get(item.prompt_id);
    if (user === undefined) {
      this.#users.set(item.prompt_id, this.#count);
      return [];
    }
    const origin = idSource === 'position' ? ', given by position,' : '';
    return [`"prompt_id" ${quoteText(item.prompt_id)}${origin} is already used by item ${user}`];
  }
}
