import type { PromptItem } from '../core/prompt.ts';

/** Names that mean something in an input item: a field of the user's that is called so stays under `fields`. */
const itemNames: ReadonlySet<string> = new Set([
  'prompt_id',
  'prompt',
  'messages',
  'model',
  'temperature',
  'top_p',
  'max_tokens',
  'completions',
  'extra_body',
  'fields',
] satisfies (keyof PromptItem)[]);

/** A line of a JSON Lines prompts file that reads back as this very prompt. */
export const toInputLine = ({ fields = {}, ...item }: PromptItem): string => {
  const entries = Object.entries(fields);
  const own = entries.filter(([name]) => !itemNames.has(name));
  const nested = entries.filter(([name]) => itemNames.has(name));
  // As an input item has it: a field called `fields` that is no object needs no nesting.
  const [only] = nested;
  const isPlain = nested.length === 1 && only![0] === 'fields' && !isObject(only![1]);
  const kept =
    nested.length === 0 ? [] : isPlain ? nested : [['fields', Object.fromEntries(nested)] as const];
  return `${JSON.stringify(Object.fromEntries([...Object.entries(item), ...own, ...kept]))}\n`;
};

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
