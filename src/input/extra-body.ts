/** Parameters of a request's body that durabatch does not set itself: what cannot work is refused before it is paid. */
import type { Fields } from './check-fields.ts';
import { describePath } from './describe-value.ts';
import type { ValuePath } from './describe-value.ts';

interface Refusal {
  reason: string;
  /** Values that ask for nothing of the kind. */
  harmless: (value: unknown) => boolean;
}

const isNothing = (value: unknown): boolean => value === null;
const isOff = (value: unknown): boolean => value === null || value === false;

const streamed = 'answers are read whole, never streamed: leave it out';
const tool = 'a model that calls a tool answers without a text, which is paid for and then a failure';
const noText = 'only answers in text can be kept';
const logprobs = 'the results keep no log probabilities, so they would be asked for in vain';

const refusals = new Map<string, Refusal>([
  ['stream', { reason: streamed, harmless: isOff }],
  ['stream_options', { reason: streamed, harmless: isNothing }],
  ['tools', { reason: tool, harmless: isNothing }],
  ['tool_choice', { reason: tool, harmless: isNothing }],
  ['parallel_tool_calls', { reason: tool, harmless: isNothing }],
  ['functions', { reason: tool, harmless: isNothing }],
  ['function_call', { reason: tool, harmless: isNothing }],
  ['audio', { reason: noText, harmless: isNothing }],
  ['modalities', { reason: noText, harmless: isTextOnly }],
  ['logprobs', { reason: logprobs, harmless: isOff }],
  ['top_logprobs', { reason: logprobs, harmless: (value) => value === null || value === 0 }],
  ['web_search_options', { reason: 'searches are billed beside the tokens, unseen', harmless: isNothing }],
  [
    'service_tier',
    {
      reason:
        'it costs more than usual, which estimates do not count, and has no known price for many models',
      harmless: (tier) => typeof tier !== 'string' || !/^\s*(priority|fast)\s*$/i.test(tier),
    },
  ],
]);

/** What stands beside `extra_body` in a prompt of our own form. */
const elsewhere = new Map([
  ['messages', 'messages'],
  ['model', 'model'],
  ['temperature', 'temperature'],
  ['top_p', 'top_p'],
  ['max_tokens', 'max_tokens'],
  ['max_completion_tokens', 'max_tokens'],
  ['n', 'completions'],
]);

/** The parameters that can be sent, and what is wrong with the others. `path` is where they stand. */
export function checkExtraBody(raw: Fields, path: ValuePath): { extraBody: Fields; problems: string[] } {
  const problems: string[] = [];
  const sent = Object.entries(raw).filter(([name, value]) => {
    const beside = elsewhere.get(name);
    const refusal = refusals.get(name);
    if (beside !== undefined) {
      problems.push(
        `${describePath([...path, name])} must stand beside ${describePath(path)}, as "${beside}"`,
      );
    } else if (refusal !== undefined && !refusal.harmless(value)) {
      problems.push(`${describePath([...path, name])} cannot be used: ${refusal.reason}`);
    }
    // Always sent as `false`.
    return name !== 'stream';
  });
  return { extraBody: Object.fromEntries(sent), problems };
}

function isTextOnly(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 1 && value[0] === 'text');
}
