import { z } from 'zod';
import { messageSchema } from '../../contract.ts';
import type { PromptItem } from '../../contract.ts';
import {
  checkFields,
  describeFlaw,
  filledText,
  isObject,
  labelText,
  mergeKept,
  splitFields,
} from './check-fields.ts';
import type { Fields } from './check-fields.ts';
import { describeValue, listNames } from './describe-value.ts';
import type { Flaw } from './find-flaws.ts';

export interface CheckedItem {
  /** To be used only where there is no problem. */
  item: PromptItem;
  /** Where the id is from: the input, the position, or nowhere, since the one given is wrong. */
  idSource: 'given' | 'position' | 'none';
  problems: string[];
}

const PROMPT = 'a non-empty string';
const MESSAGES = 'a non-empty list of {"role", "content"} with a user message';
const TEMPERATURE = 'a number from 0 to 2';
const TOP_P = 'a number above 0, up to 1';
const COUNT = 'a whole number, at least 1';

const count = z.int(COUNT).min(1, COUNT);

/** System and assistant messages may be empty; what the user says may not. */
const message = messageSchema.refine(({ role, content }) => role !== 'user' || content.trim() !== '', {
  path: ['content'],
  error: `${PROMPT} in a user message`,
});
const messages = z
  .array(message, MESSAGES)
  .min(1, MESSAGES)
  .refine((list) => list.some(({ role }) => role === 'user'), MESSAGES);

const itemShape = {
  // Whole numbers are taken as well, since databases and tables export ids so.
  prompt_id: z.preprocess(
    (id) => (Number.isSafeInteger(id) ? String(id) : id),
    labelText('a string of 1 to 256 characters, or a whole number').optional(),
  ),
  prompt: filledText(PROMPT).optional(),
  messages: messages.optional(),
  model: labelText('a string of 1 to 256 characters').optional(),
  temperature: z.number(TEMPERATURE).min(0, TEMPERATURE).max(2, TEMPERATURE).optional(),
  top_p: z.number(TOP_P).gt(0, TOP_P).max(1, TOP_P).optional(),
  max_tokens: count.optional(),
  completions: count.optional(),
};

/** Checks an item of the input, a text or an object, and brings it into the stored form. `position` is from 0. */
export function checkItem(raw: unknown, flaws: readonly Flaw[], position: number): CheckedItem {
  if (typeof raw === 'string') return checkObject({ prompt: raw }, flaws, position);
  if (isObject(raw)) return checkObject(raw, flaws, position);
  const problems = flaws.map(describeFlaw);
  if (problems.length === 0)
    problems.push(`must be an object with "prompt", or a string, got ${describeValue(raw)}`);
  return { item: { prompt_id: idOfPosition(position) }, idSource: 'position', problems };
}

function checkObject(raw: Fields, flaws: readonly Flaw[], position: number): CheckedItem {
  const isKept = isObject(raw['fields']);
  const { known, unknown } = splitFields(
    raw,
    (name) => Object.hasOwn(itemShape, name) || (isKept && name === 'fields'),
  );
  const { valid, problems } = checkFields(itemShape, known, flaws);
  const kept = mergeKept(unknown, isKept ? (raw['fields'] as Fields) : {}, 'fields');
  const { prompt_id, ...rest } = valid;
  const fields = Object.keys(kept.merged).length > 0 ? { fields: kept.merged } : {};
  return {
    item: {
      prompt_id: detach(prompt_id ?? idOfPosition(position)),
      ...(rest as Omit<PromptItem, 'prompt_id'>),
      ...fields,
    },
    idSource: prompt_id !== undefined ? 'given' : known['prompt_id'] === undefined ? 'position' : 'none',
    problems: [...missingText(known, unknown), ...problems, ...kept.problems],
  };
}

function missingText(known: Fields, unknown: Fields): string[] {
  const hasPrompt = Object.hasOwn(known, 'prompt');
  if (hasPrompt !== Object.hasOwn(known, 'messages')) return [];
  if (hasPrompt) return ['has both "prompt" and "messages": keep one of them'];
  const names = [...Object.keys(known), ...Object.keys(unknown)];
  const hint = Array.isArray(unknown['prompts']) ? ': a whole batch is a .json file of its own' : '';
  return [
    `must have "prompt" or "messages", got ${names.length > 0 ? listNames(names) : 'an empty object'}${hint}`,
  ];
}

/** `prompt_0001` for the first. */
function idOfPosition(position: number): string {
  return `prompt_${String(position + 1).padStart(4, '0')}`;
}

/** A copy of its own: a slice would hold the piece of the file it was cut from in memory. */
function detach(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
