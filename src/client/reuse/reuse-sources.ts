/** The batches whose answers may be taken over, and what they were asked. */
import { KeyIndex } from '../../store/reuse/key-index.ts';
import { batchKeys, type BatchKeys } from '../../store/prompts/key-file.ts';
import { BatchStore } from '../../store/batch-store.ts';
import { listBatches } from '../../store/output-folder.ts';
import type { StoreLocation } from '../../core/batch-layout.ts';

export interface ReuseSource {
  store: BatchStore;
  /** Named by the user: what is wrong with it is an error. */
  isNamed: boolean;
  keys: BatchKeys;
}

/** Says that a batch which nobody named cannot be read, and that nothing is taken over from it. */
export type SkipNote = (batchId: string, error: unknown) => void;

/** The named batches in their order, then, if wanted, the others of the folder, the newest first. `self` is none of them. */
export async function reuseSources(
  location: StoreLocation,
  self: string | null,
  { named, folder }: { named: readonly BatchStore[]; folder: boolean },
  skip: SkipNote,
): Promise<ReuseSource[]> {
  const sources: ReuseSource[] = [];
  const taken = new Set(named.map((store) => store.folder));
  for (const store of named) {
    if (store.batchId === self && store.location.uuid === location.uuid) continue;
    sources.push({ store, isNamed: true, keys: await batchKeys(store) });
  }
  if (!folder) return sources;
  const found: { source: ReuseSource; made: string }[] = [];
  for (const id of await listBatches(location.outputDir)) {
    const store = new BatchStore(location, id, 'reader');
    if (id === self || taken.has(store.folder)) continue;
    try {
      const { created_at: made } = await store.readManifest();
      found.push({ source: { store, isNamed: false, keys: await batchKeys(store) }, made });
    } catch (error) {
      skip(id, error);
    }
  }
  const newestFirst = found.toSorted((a, b) => b.made.localeCompare(a.made));
  return [...sources, ...newestFirst.map(({ source }) => source)];
}

/** All that these batches were asked. */
export class AskedKeys {
  readonly #digests = new KeyIndex();

  constructor(sources: readonly ReuseSource[]) {
    for (const { keys } of sources)
      for (let index = 0; index < keys.prompts; index++) this.#digests.claimDigest(keys.at(index).digest, 0);
  }

  get isEmpty(): boolean {
    return this.#digests.size === 0;
  }

  /** Whether one of them was asked the same, with whatever token limit. */
  has(digest: Buffer): boolean {
    return this.#digests.getDigest(digest) !== undefined;
  }
}
