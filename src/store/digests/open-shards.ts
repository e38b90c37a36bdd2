import type { Shard } from '../shard.ts';

/** Shards that nobody works on and that stay open all the same: work comes back to a shard within moments. */
const IDLE_SHARDS = 4;

/**
 * The shards this process has open. One that is in use, or that holds records no disk has taken yet,
 * stays; of the others the most recently used ones do, so that memory does not grow with the batch.
 */
export class OpenShards {
  readonly #onLastRelease: (shard: Shard) => Promise<void>;
  /** The least recently used first. */
  readonly #entries = new Map<number, { shard: Shard; users: number }>();

  /** `onLastRelease` is called when the last user of a shard leaves it, and is waited for. */
  constructor(onLastRelease: (shard: Shard) => Promise<void>) {
    this.#onLastRelease = onLastRelease;
  }

  /** The same for all who use it at a time: `create` is asked where nothing of it is open. */
  use(number: number, create: (release: () => Promise<void>) => Shard): Shard {
    const entry = this.#entries.get(number) ?? {
      shard: create(() => this.#release(number)),
      users: 0,
    };
    entry.users++;
    this.#entries.set(number, entry);
    return entry.shard;
  }

  has(number: number): boolean {
    return this.#entries.has(number);
  }

  *[Symbol.iterator](): Generator<Shard> {
    for (const { shard } of this.#entries.values()) yield shard;
  }

  /** Closes the ledger files of all, and all else of those that nobody uses. Any may be used again afterwards. */
  async close(): Promise<void> {
    await this.#drop(0);
    // A shard that is released meanwhile moves to the end of the map: each is still closed exactly once.
    for (const { shard } of [...this.#entries.values()]) await shard.writer.close();
  }

  async #release(number: number): Promise<void> {
    const entry = this.#entries.get(number);
    if (!entry || entry.users === 0) throw new Error(`shard ${number} was released more often than used`);
    try {
      if (entry.users === 1) await this.#onLastRelease(entry.shard);
    } finally {
      entry.users--;
      this.#entries.delete(number);
      this.#entries.set(number, entry);
      await this.#drop(IDLE_SHARDS);
    }
  }

  async #drop(spared: number): Promise<void> {
    if (this.#entries.size <= spared) return;
    const idle = [...this.#entries].filter(([, { shard, users }]) => users === 0 && !shard.writer.hasUnsaved);
    const dropped = idle.slice(0, Math.max(0, idle.length - spared));
    for (const [number] of dropped) this.#entries.delete(number);
    for (const [, { shard }] of dropped) await shard.close();
  }
}
