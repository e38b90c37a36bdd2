import { createHash } from 'node:crypto';
import type { PromptItem, RequestSettings } from '../contract.ts';
import { canonicalJson } from '../store/canonical-json.ts';

export const INPUT_HASH_VERSION = 1;

export interface InputHash {
  add(item: PromptItem): void;
  /** SHA-256, in hex. */
  digest(): string;
}

/** Tells what is asked: normalised prompts in order, and all that shapes their requests. */
export function createInputHash(request: RequestSettings): InputHash {
  const hash = createHash('sha256').update(canonicalJson({ version: INPUT_HASH_VERSION, request }));
  return {
    add: (item) => void hash.update('\n').update(canonicalJson(item)),
    digest: () => hash.digest('hex'),
  };
}
