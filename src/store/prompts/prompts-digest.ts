/** What a batch asks, as hashes: one for the prompts it began with, one for each addition. */
import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import type { RequestSettings } from '../../core/settings.ts';
import { openRegular } from '../../system/files/regular-file.ts';
import { canonicalJson } from './canonical-json.ts';
import { type Manifest, promptsFileName, promptsFileOf } from '../manifest/manifest.ts';
import { messageOf, StoreError } from '../store-error.ts';

/**
 * Hashes of the batch's parts, in order. Reads every prompts file, which takes some tenths of a second for 100,000 prompts.
 * Throws {@link StoreError}.
 */
export async function promptsDigests(batchFolder: string, manifest: Manifest): Promise<string[]> {
  const { settings, shards, shard_size: size, additions = [] } = manifest;
  const added = additions.map(({ prompts }) => Math.ceil(prompts / size));
  const digests: string[] = [];
  let first = 0;
  for (const count of [shards - added.reduce((sum, each) => sum + each, 0), ...added]) {
    const from = first;
    const nameOf = (at: number): string => promptsFileOf(manifest, from + at);
    digests.push(await digestOf(settings, batchFolder, count, nameOf));
    first += count;
  }
  return digests;
}

/** The hash that the prompts of a stage will have once they are part of the batch. Throws {@link StoreError}. */
export const stagedDigest = (
  stageFolder: string,
  { settings, shard_size: size }: Pick<Manifest, 'settings' | 'shard_size'>,
  prompts: number,
): Promise<string> => digestOf(settings, stageFolder, Math.ceil(prompts / size), promptsFileName);

async function digestOf(
  settings: RequestSettings,
  folder: string,
  files: number,
  nameOf: (at: number) => string,
): Promise<string> {
  const hash = createHash('sha256').update(`${canonicalJson(settings)}\n`);
  for (let at = 0; at < files; at++) {
    const path = join(folder, 'prompts', nameOf(at));
    try {
      await addFile(hash, path);
    } catch (error) {
      throw new StoreError(`cannot read the prompts in ${path}: ${messageOf(error)}`, { cause: error });
    }
  }
  return hash.digest('hex');
}

async function addFile(hash: Hash, path: string): Promise<void> {
  const file = await openRegular(path);
  try {
    for await (const bytes of file.createReadStream({ autoClose: false, highWaterMark: 1 << 18 }))
      hash.update(bytes as Buffer);
  } finally {
    await file.close();
  }
}
