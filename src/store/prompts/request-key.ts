/** What a request asks, as a key: two prompts of one key can have each other's answers. */
import { createHash } from 'node:crypto';
import type { PromptItem } from '../../core/prompt.ts';
import type { RequestSettings } from '../../core/settings.ts';
import { canonicalModel } from '../../providers/catalog.ts';
import { canonicalJson } from './canonical-json.ts';
import { withoutDefaults } from './later-settings.ts';

/** Bytes of a SHA-256 that are kept: two of a billion requests share them with a chance of one in 10^20. */
export const DIGEST_BYTES = 16;

export interface RequestKey {
  /** Over all that shapes an answer but the token limit, {@link DIGEST_BYTES} long. */
  digest: Buffer;
  /** Token limit of one completion. */
  maxTokens: number;
}

/**
 * Two prompts of one key ask the same thing of the same model in the same way: their answers can stand for
 * each other. `docs/reuse.md` lists what is in it and what is not.
 */
export function requestKey(item: PromptItem, settings: RequestSettings): RequestKey {
  const {
    provider,
    baseUrl,
    model,
    temperature,
    topP,
    maxTokens,
    thinking,
    completions: _,
    ...later
  } = settings;
  const request = {
    provider,
    baseUrl,
    model: canonicalModel(provider, item.model ?? model),
    messages: item.messages ?? [{ role: 'user', content: item.prompt }],
    temperature: item.temperature ?? temperature,
    topP: item.top_p ?? topP,
    thinking,
    extraBody: item.extra_body,
    ...withoutDefaults(later),
  };
  const digest = createHash('sha256').update(canonicalJson(request)).digest().subarray(0, DIGEST_BYTES);
  return { digest, maxTokens: item.max_tokens ?? maxTokens };
}

/** Parameters by which a provider makes the same answer again, under the names they have. */
const SEEDS = ['seed', 'random_seed'];

/**
 * Whether the request names a seed, at whatever depth of its `extra_body` (Ollama has it in `options`): its answers belong
 * to their sample numbers.
 */
export const hasSeed = ({ extra_body: body = {} }: PromptItem): boolean => namesSeed(body);

/** An object under such a name is no seed, but a field of a JSON schema. */
const namesSeed = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).some(
    ([name, inner]: [string, unknown]) =>
      (SEEDS.includes(name) && (typeof inner !== 'object' || Array.isArray(inner))) || namesSeed(inner),
  );
