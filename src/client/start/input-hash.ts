/** The identity of a batch: a hash over its resolved requests. */
import { createHash } from 'node:crypto';
import type { PromptItem } from '../../core/prompt.ts';
import type { RequestSettings } from '../../core/settings.ts';
import { canonicalJson } from '../../store/prompts/canonical-json.ts';
import { requestKey } from '../../store/prompts/request-key.ts';

export const INPUT_HASH_VERSION = 2;

export interface InputHash {
  add(item: PromptItem): void;
  /** SHA-256, in hex. */
  digest(): string;
}

/**
 * Over the prompts in order: what each asks, how often, under which id and with which fields of the user. Where a
 * setting comes from, the batch or the prompt, makes no difference; nor does which alias names the model.
 */
export function createInputHash(settings: RequestSettings): InputHash {
  const hash = createHash('sha256').update(canonicalJson({ version: INPUT_HASH_VERSION }));
  return {
    add: (item) => {
      const { digest, maxTokens } = requestKey(item, settings);
      const { prompt_id: id, fields, completions = settings.completions } = item;
      hash.update('\n').update(digest).update(canonicalJson({ id, fields, completions, maxTokens }));
    },
    digest: () => hash.digest('hex'),
  };
}

/** As versions up to 0.1.0 made it, to find their batches: over the settings and the prompts as they were written. */
export function createEarlierInputHash(settings: RequestSettings): InputHash {
  const hash = createHash('sha256').update(canonicalJson({ version: 1, request: settings }));
  return {
    add: (item) => void hash.update('\n').update(canonicalJson(item)),
    digest: () => hash.digest('hex'),
  };
}
