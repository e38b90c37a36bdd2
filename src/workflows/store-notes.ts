/** What a batch notes beside itself, in its store. */
export interface StoreNotes {
  /** One note at a time: `note` waits for `earlier`, if there is one. Two would overwrite each other, since each reads the manifest and writes it anew. */
  add<T>(note: (earlier: Promise<unknown> | null) => Promise<T>): Promise<T>;
  /** Resolves when the last note is done. */
  done(): Promise<void>;
  /** Whether one is under way or waits. */
  readonly isPending: boolean;
}

export function createStoreNotes(): StoreNotes {
  let last = Promise.resolve();
  let pending = 0;
  return {
    add: (note) => {
      const noted = note(pending > 0 ? last : null);
      pending++;
      const over = (): void => void pending--;
      last = noted.then(over, over);
      return noted;
    },
    done: () => last,
    get isPending() {
      return pending > 0;
    },
  };
}
