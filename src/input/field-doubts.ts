/** Fields of items that are kept and change nothing, though they look like ones that are asked with. */
import * as z from 'zod';
import { typingErrors } from '../core/nearest-name.ts';
import { isObject } from './check-fields.ts';
import { itemShape } from './prompt-item.ts';

/** What providers take besides, under `extra_body`. */
const PARAMETERS = [
  ...['frequency_penalty', 'logit_bias', 'logprobs', 'max_completion_tokens', 'min_p', 'presence_penalty'],
  ...['reasoning_effort', 'repetition_penalty', 'response_format', 'seed', 'stop', 'top_k', 'top_logprobs'],
];
/** Names that are data, such as words, are not all remembered. */
const MAX_NAMES = 1000;
const LONG_NAME = 8;

type Meaning = { field: keyof typeof itemShape } | 'parameter' | null;

interface Doubt {
  hint: string;
  /** Number of the first item. */
  first: number;
  items: number;
}

export class FieldDoubts {
  readonly #meanings = new Map<string, Meaning>();
  readonly #doubts = new Map<string, Doubt>();

  /** `number` of the item, from 1. */
  look(item: unknown, number: number): void {
    if (!isObject(item)) return;
    for (const [name, value] of Object.entries(item)) {
      if (name === 'fields' || Object.hasOwn(itemShape, name)) continue;
      const hint = hintOf(this.#meaningOf(name), value);
      if (hint === null) continue;
      const doubt = this.#doubts.get(name) ?? { hint, first: number, items: 0 };
      this.#doubts.set(name, { ...doubt, items: doubt.items + 1 });
    }
  }

  /** A sentence or two for each name. */
  get notes(): string[] {
    return [...this.#doubts].map(([name, { hint, first, items }]) => {
      const who = items === 1 ? `Item ${first} has` : `${items} items, from item ${first} on, have`;
      return `${who} the field ${JSON.stringify(name)}, which is kept and not sent. ${hint}`;
    });
  }

  #meaningOf(name: string): Meaning {
    const known = this.#meanings.get(name);
    if (known !== undefined) return known;
    const meaning = meaningOf(name);
    if (this.#meanings.size < MAX_NAMES) this.#meanings.set(name, meaning);
    return meaning;
  }
}

function meaningOf(name: string): Meaning {
  if (PARAMETERS.includes(name)) return 'parameter';
  const plain = plainName(name);
  const field = (Object.keys(itemShape) as (keyof typeof itemShape)[]).find(
    (known) => typingErrors(plainName(known), plain) <= (plain.length < LONG_NAME ? 1 : 2),
  );
  return field === undefined ? null : { field };
}

/** `maxTokens`, `max-tokens` and `max_tokens` are one. */
const plainName = (name: string): string => name.toLowerCase().replace(/[\s_-]/g, '');

/** A value that the other field could not have is meant as something else. */
function hintOf(meaning: Meaning, value: unknown): string | null {
  if (meaning === null) return null;
  if (meaning === 'parameter') return 'To send it, put it into "extra_body".';
  const { field } = meaning;
  return z.safeParse(itemShape[field], value).success ? `Did you mean ${JSON.stringify(field)}?` : null;
}
