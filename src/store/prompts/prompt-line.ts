/**
 * What a line of a batch's prompt file may say. The file may come from elsewhere, so every field that is sent or counted with has
 * a type and a range here; fields that later versions add are let through. Checked by hand: a large batch has hundreds of
 * thousands of lines.
 */
import type { PromptItem } from '../../core/prompt.ts';
import { parseLine } from '../parse-line.ts';

type Fields = Record<string, unknown>;

/** Parameters that have a place of their own in a prompt: in `extra_body` they would replace what its cost is bounded by. */
const NOT_IN_BODY = [
  ...['messages', 'model', 'temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'n', 'stream'],
];

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown, most: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most;
const isBetween = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;
const isText = (value: unknown, most: number): boolean =>
  typeof value === 'string' && value !== '' && value.length <= most;
const isRole = (value: unknown): boolean => value === 'user' || value === 'system' || value === 'assistant';
const isMessage = (value: unknown): boolean =>
  isObject(value) && isRole(value['role']) && typeof value['content'] === 'string';
const isMessages = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(isMessage);
const isBody = (value: unknown): boolean =>
  isObject(value) && !NOT_IN_BODY.some((name) => Object.hasOwn(value, name));

/** Returns the prompt of a line. Throws an `Error` that says what was expected and what was found, without a text: it may go to Temporal. */
export function parsePromptLine(line: Buffer, maxCompletions: number): PromptItem {
  const value = parseLine(line);
  const flaw = flawOf(value, maxCompletions);
  if (flaw !== null) throw new Error(flaw);
  return value as PromptItem;
}

/** `null`: there is none. */
function flawOf(value: unknown, maxCompletions: number): string | null {
  if (!isObject(value)) return `expected a prompt, got ${shown(value)}`;
  const { prompt_id, prompt, messages, model, temperature, top_p, max_tokens, completions } = value as {
    [Field in keyof PromptItem]?: unknown;
  };
  if (typeof prompt_id !== 'string' || prompt_id.length > 10_000)
    return flaw('prompt_id', 'a string of at most 10,000 characters', prompt_id);
  if (prompt === undefined) {
    if (!isMessages(messages))
      return flaw('messages', 'a list of {"role", "content"} where there is no "prompt"', messages);
  } else {
    if (typeof prompt !== 'string') return flaw('prompt', 'a string', prompt);
    if (messages !== undefined) return flaw('messages', 'absent beside "prompt"', messages);
  }
  if (model !== undefined && !isText(model, 500))
    return flaw('model', 'a non-empty string of at most 500 characters', model);
  if (temperature !== undefined && !isBetween(temperature, 0, 2))
    return flaw('temperature', 'a number from 0 to 2', temperature);
  if (top_p !== undefined && !isBetween(top_p, 0, 1)) return flaw('top_p', 'a number from 0 to 1', top_p);
  if (max_tokens !== undefined && !isCount(max_tokens, Number.MAX_SAFE_INTEGER))
    return flaw('max_tokens', 'a whole number, at least 1', max_tokens);
  if (completions !== undefined && !isCount(completions, maxCompletions))
    return flaw('completions', `a whole number from 1 to ${maxCompletions}`, completions);
  const { extra_body, fields } = value;
  if (extra_body !== undefined && !isBody(extra_body))
    return flaw('extra_body', `an object without ${NOT_IN_BODY.join(', ')}`, extra_body);
  if (fields !== undefined && !isObject(fields)) return flaw('fields', 'an object', fields);
  return null;
}

const flaw = (name: string, expected: string, value: unknown): string =>
  `"${name}" must be ${expected}, got ${shown(value)}`;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return 'a string';
  if (Array.isArray(value)) return 'a list';
  return isObject(value) ? 'an object' : JSON.stringify(value);
}
