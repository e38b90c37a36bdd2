/** Identity of a batch: the hash over its requests, as each version of this program computes it. */
import type { PromptItem } from '../../core/prompt.ts';
import type { RequestSettings } from '../../core/settings.ts';
import { type HashName } from '../../store/batch-claims.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import { createEarlierInputHash, createInputHash, INPUT_HASH_VERSION } from './input-hash.ts';
import type { EarlierItem } from '../../input/item-id.ts';
import { idOfPosition } from '../../input/prompt-item.ts';

export interface BatchIdentity {
  /** Of this version. */
  hash: Manifest['input_hash'];
  /** The hashes of earlier versions, by which their batches are found. */
  earlier: Manifest['input_hash'][];
}

export interface IdentityHash {
  add(item: PromptItem, position: number, isNumbered: boolean, earlier?: EarlierItem): void;
  result(): BatchIdentity;
}

/**
 * `earlierSettings`: what the same command line meant to earlier versions. Prompts that are added are hashed as if
 * they were a file of their own (`isNumbered` ids start over).
 */
export function createIdentityHash(
  settings: RequestSettings,
  earlierSettings: readonly RequestSettings[] = [settings],
): IdentityHash {
  const present = createInputHash(settings);
  const before = earlierSettings.map(createEarlierInputHash);
  return {
    add: (item, position, isNumbered, earlier = { item, isNumbered }) => {
      present.add(numbered(item, position, isNumbered));
      if (before.length === 0) return;
      const then = numbered(earlier.item, position, earlier.isNumbered);
      for (const hash of before) hash.add(then);
    },
    result: () => ({
      hash: { version: INPUT_HASH_VERSION, sha256: present.digest() },
      earlier: before.map((hash) => ({ version: 1, sha256: hash.digest() })),
    }),
  };
}

/** Where numbering goes on from must not make other prompts of the same file. */
const numbered = (item: PromptItem, position: number, isNumbered: boolean): PromptItem =>
  isNumbered ? { ...item, prompt_id: idOfPosition(position) } : item;

/** The hash and its version in one word, as claims and the server have it. */
export const hashName = ({ version, sha256 }: Manifest['input_hash']): HashName => `${version}-${sha256}`;

export const allHashes = ({ hash, earlier }: BatchIdentity): Manifest['input_hash'][] => [hash, ...earlier];

/** Whether a batch is of these requests. */
export const isOfIdentity = (inputHash: Manifest['input_hash'], identity: BatchIdentity): boolean =>
  allHashes(identity).some((hash) => hashName(hash) === hashName(inputHash));

/** What ids that are made from a hash end with. */
export const hashInId = ({ sha256 }: Manifest['input_hash']): string => sha256.slice(0, 12);
