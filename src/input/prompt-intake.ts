import type { PromptItem } from '../core/prompt.ts';
import { checkBatchRequest, isBatchRequest } from './batch-request.ts';
import { KeyIndex } from '../store/reuse/key-index.ts';
import { quoteText } from './describe-value.ts';
import { FieldDoubts } from './field-doubts.ts';
import type { ProblemList } from './input-error.ts';
import type { JsonValue } from './json/json-value.ts';
import { checkItem } from './prompt-item.ts';
import type { CheckedItem } from './checked-item.ts';
import type { EarlierItem } from './item-id.ts';

/**
 * Takes a normalised prompt; `position` in the input counts from 0; `isNumbered`: its id comes from that;
 * `earlier`: how versions up to 0.1.0 took it in, where that differs.
 */
export type PromptSink = (
  item: PromptItem,
  position: number,
  isNumbered: boolean,
  earlier?: EarlierItem,
) => void | Promise<void>;

/** Takes an input's items one by one: checks each, and hands it on as long as there is no problem at all. */
export class PromptIntake {
  readonly #problems: ProblemList;
  readonly #sink: PromptSink;
  readonly #before: number;
  /** Number of the item that uses an id. */
  readonly #users = new KeyIndex();
  readonly #doubts = new FieldDoubts();
  #count = 0;
  #hasObjects = false;
  /** The form of the first item, and which that is: the others must have it too. */
  #form: { isRequest: boolean; item: number } | undefined;

  /** `before`: prompts that come before those of this input; ids given by position go on from there. */
  constructor(problems: ProblemList, sink: PromptSink, before = 0) {
    this.#problems = problems;
    this.#sink = sink;
    this.#before = before;
  }

  /** Items so far, bad ones included: the number of the newest. */
  get count(): number {
    return this.#count;
  }

  /** What to tell the user of the items so far, besides their problems. */
  get notes(): string[] {
    return this.#doubts.notes;
  }

  get format(): 'items' | 'strings' {
    return this.#hasObjects ? 'items' : 'strings';
  }

  /** `place` tells more about where the item is, such as ` (line 5)`. */
  async take({ value, flaws }: JsonValue, place = ''): Promise<void> {
    const position = this.#count;
    this.#count += 1;
    if (typeof value !== 'string') this.#hasObjects = true;
    const isRequest = isBatchRequest(value, this.#form?.isRequest ?? false);
    this.#form ??= { isRequest, item: this.#count };
    const mixed = isRequest === this.#form.isRequest ? [] : [describeMix(isRequest, this.#form.item)];
    const checked = isRequest
      ? checkBatchRequest(value, flaws)
      : checkItem(value, flaws, this.#before + position);
    if (!isRequest) this.#doubts.look(value, this.#count);
    for (const problem of mixed.length > 0 ? mixed : [...checked.problems, ...this.#claimId(checked)]) {
      this.#problems.add(`item ${this.#count}${place}: ${problem}`);
    }
    const { item, idSource, earlier } = checked;
    if (this.#problems.total === 0) await this.#sink(item, position, idSource === 'position', earlier);
  }

  /** Counts an item that could not be read. */
  skip(): void {
    this.#count += 1;
  }

  #claimId({ item, idSource }: CheckedItem): string[] {
    if (idSource === 'none') return [];
    const user = this.#users.claim(item.prompt_id, this.#count);
    if (user === this.#count) return [];
    const origin = idSource === 'position' ? ', given by position,' : '';
    const name = idSource === 'position' ? 'prompt_id' : idSource;
    return [`"${name}" ${quoteText(item.prompt_id)}${origin} is already used by item ${user}`];
  }
}

function describeMix(isRequest: boolean, first: number): string {
  const what = isRequest ? 'is an' : 'is no';
  return `${what} OpenAI batch request ("custom_id" and "body"), unlike item ${first}: a file has prompts of one form`;
}
