/** A line of an OpenAI batch file: `{"custom_id", "method", "url", "body"}`. Mistral's leave out method and url. */
import * as z from 'zod';
import type { Message, PromptItem } from '../core/prompt.ts';
import { checkFields, isObject, mergeKept, splitFields, splitItem } from './check-fields.ts';
import type { Fields } from './check-fields.ts';
import type { CheckedItem } from './checked-item.ts';
import { checkExtraBody } from './extra-body.ts';
import type { Flaw } from './json/find-flaws.ts';
import { chooseId, earlierItem, hasId, idShape, takeIds } from './item-id.ts';
import { count, messageList, modelName, promptId, temperature, topP } from './prompt-fields.ts';

const CONTENT = 'a string or a list of text parts';
const URL = 'the address of chat completions, "/v1/chat/completions": other requests cannot be run';

/** Providers that take texts only join the parts by line breaks (vLLM and llama.cpp do): so is it done here. */
const content = z.unknown().transform((raw, context): string => {
  if (typeof raw === 'string') return raw;
  const parts: unknown[] = Array.isArray(raw) ? raw : [];
  if (parts.length === 0) context.addIssue({ code: 'custom', message: CONTENT });
  parts.forEach((part, index) => {
    const [path, message] = !isObject(part)
      ? [[index], '{"type": "text", "text"}']
      : part['type'] !== 'text'
        ? [[index, 'type'], '"text", the only kind of part that can be sent']
        : typeof part['text'] !== 'string'
          ? [[index, 'text'], 'a string']
          : [];
    if (path && message) context.addIssue({ code: 'custom', path, message });
  });
  return parts.map((part) => String((part as Fields | null)?.['text'])).join('\n');
});

/** `developer` is OpenAI's newer word for `system`, and means the same. */
const role = z.preprocess(
  (raw) => (raw === 'developer' ? 'system' : raw),
  z.enum(['system', 'user', 'assistant'], 'one of "system", "developer", "user", "assistant"'),
);

const message: z.ZodType<Message> = z.strictObject({ role, content });

/** In OpenAI's bodies `null` is as good as nothing. */
const optional = <Value>(schema: z.ZodType<Value>) =>
  z.preprocess((value) => value ?? undefined, schema.optional());

const bodyShape = {
  messages: messageList(message),
  model: optional(modelName),
  temperature: optional(temperature),
  top_p: optional(topP),
  max_tokens: optional(count),
  max_completion_tokens: optional(count),
  n: optional(count),
};

const requestShape = {
  method: z.literal('POST', '"POST"').optional(),
  url: z
    .string(URL)
    .regex(/(^|\/)chat\/completions\/?$/, URL)
    .optional(),
  body: z.looseObject(bodyShape, 'an object'),
};

/** Whether an item is meant as a batch request; among others of them, one half of the form tells it. */
export function isBatchRequest(raw: unknown, amongOthers: boolean): raw is Fields {
  if (!isObject(raw) || Object.hasOwn(raw, 'prompt') || Object.hasOwn(raw, 'messages')) return false;
  const halves = [hasId(raw), Object.hasOwn(raw, 'body')];
  return amongOthers ? halves.includes(true) : !halves.includes(false);
}

/** Brings a batch request into the stored form. */
export function checkBatchRequest(raw: Fields, flaws: readonly Flaw[]): CheckedItem {
  const { fields, ...split } = splitItem(raw, requestShape);
  const { known, unknown, ids } = takeIds(split, 'custom_id');
  const shape = { ...idShape, ...requestShape };
  // The form's own name is the one that is missed.
  const needed = Object.keys(ids).length > 0 ? shape : { ...shape, custom_id: promptId };
  const { valid, problems } = checkFields(needed, known, flaws);
  const chosen = chooseId(valid);
  const kept = mergeKept(unknown, fields, 'fields');
  const body = isObject(raw['body']) ? raw['body'] : {};
  const { unknown: others } = splitFields(body, (name) => Object.hasOwn(bodyShape, name));
  const extra = checkExtraBody(others, ['body']);
  const asked = valid.body;
  const twice = asked?.max_tokens !== undefined && asked.max_completion_tokens !== undefined;
  const set = {
    model: asked?.model,
    temperature: asked?.temperature,
    top_p: asked?.top_p,
    max_tokens: asked?.max_completion_tokens ?? asked?.max_tokens,
    completions: asked?.n,
  };
  const item: PromptItem = {
    prompt_id: chosen.id ?? '',
    messages: asked?.messages ?? [],
    ...Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)),
    ...(Object.keys(extra.extraBody).length > 0 && { extra_body: extra.extraBody }),
    ...(Object.keys(kept.merged).length > 0 && { fields: kept.merged }),
  };
  const { custom_id: ownId, ...otherIds } = ids;
  const prompt_id = typeof ownId === 'string' || typeof ownId === 'number' ? String(ownId) : '';
  return {
    item,
    idSource: chosen.name ?? 'none',
    ...earlierItem(item, otherIds, { prompt_id, isNumbered: false }),
    problems: [
      ...problems,
      ...chosen.problems,
      ...extra.problems,
      ...(twice ? ['has "body.max_tokens" and "body.max_completion_tokens": keep one of them'] : []),
      ...kept.problems,
    ],
  };
}
