import * as z from 'zod';
import type { Message, PromptItem } from '../core/prompt.ts';
import { checkFields, describeFlaw, isObject, mergeKept, splitItem } from './check-fields.ts';
import type { Fields } from './check-fields.ts';
import type { CheckedItem } from './checked-item.ts';
import { describeValue, listNames } from './describe-value.ts';
import { checkExtraBody } from './extra-body.ts';
import type { Flaw } from './json/find-flaws.ts';
import { chooseId, earlierItem, idShape, takeIds } from './item-id.ts';
import { count, messageList, modelName, promptId, promptText, temperature, topP } from './prompt-fields.ts';

const messageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
}) satisfies z.ZodType<Message>;

/** What is known of an item. */
export const itemShape = {
  prompt_id: promptId.optional(),
  prompt: promptText.optional(),
  messages: messageList(messageSchema).optional(),
  model: modelName.optional(),
  temperature: temperature.optional(),
  top_p: topP.optional(),
  max_tokens: count.optional(),
  completions: count.optional(),
  extra_body: z.custom<Fields>(isObject, 'an object').optional(),
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
  const { fields, ...split } = splitItem(raw, itemShape);
  const { known, unknown, ids } = takeIds(split, 'prompt_id');
  const { valid, problems } = checkFields({ ...itemShape, ...idShape }, known, flaws);
  const { prompt_id, custom_id: _, id: __, extra_body, ...rest } = valid;
  const chosen = chooseId(valid);
  const extra = checkExtraBody(extra_body ?? {}, ['extra_body']);
  const kept = mergeKept(unknown, fields, 'fields');
  const item: PromptItem = {
    prompt_id: chosen.id ?? idOfPosition(position),
    ...(rest as Omit<PromptItem, 'prompt_id'>),
    ...(Object.keys(extra.extraBody).length > 0 && { extra_body: extra.extraBody }),
    ...(Object.keys(kept.merged).length > 0 && { fields: kept.merged }),
  };
  const isNumbered = known['prompt_id'] === undefined && Object.keys(ids).length === 0;
  return {
    item,
    idSource: chosen.name ?? (isNumbered ? 'position' : 'none'),
    ...earlierItem(item, ids, {
      prompt_id: prompt_id ?? idOfPosition(position),
      isNumbered: prompt_id === undefined,
    }),
    problems: [
      ...missingText(known, unknown),
      ...problems,
      ...chosen.problems,
      ...extra.problems,
      ...kept.problems,
    ],
  };
}

function missingText(known: Fields, unknown: Fields): string[] {
  const hasPrompt = Object.hasOwn(known, 'prompt');
  if (hasPrompt !== Object.hasOwn(known, 'messages')) return [];
  if (hasPrompt) return ['has both "prompt" and "messages": keep one of them'];
  const names = [...Object.keys(known), ...Object.keys(unknown)];
  const hint = Array.isArray(unknown['prompts'])
    ? ': a whole batch is a .json file of its own'
    : isObject(unknown['body'])
      ? ': an OpenAI batch request has "custom_id" and "body"'
      : '';
  return [
    `must have "prompt" or "messages", got ${names.length > 0 ? listNames(names) : 'an empty object'}${hint}`,
  ];
}

/** `prompt_0001` for the first. */
export function idOfPosition(position: number): string {
  return `prompt_${String(position + 1).padStart(4, '0')}`;
}
