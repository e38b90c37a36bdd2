/** What one look at a counter cannot tell: for how long it has stood still. Pure but for what it remembers. */

/**
 * No more than this of the time between two looks counts. A watcher that was frozen or suspended itself, or could not
 * look, has not seen the counters stand still meanwhile: their owners may have been frozen together with it.
 */
const LONGEST_GAP_MS = 5000;

interface Watched {
  value: number;
  stillMs: number;
}

/** Watches counters of other processes by its own monotonic clock, so that no clocks of two machines are compared. */
export class StandstillWatch {
  readonly #counters = new Map<string, Watched>();
  #lookedAt: number | null = null;
  #watchedMs = 0;

  /** For how long it has been watching. */
  get watchedMs(): number {
    return this.#watchedMs;
  }

  /** Takes in the counters' present values; `at` is in ms of a clock that never goes back. A counter that is gone stands still. */
  look(values: ReadonlyMap<string, number>, at: number): void {
    const gapMs = this.#lookedAt === null ? 0 : Math.min(at - this.#lookedAt, LONGEST_GAP_MS);
    this.#lookedAt = at;
    this.#watchedMs += gapMs;
    for (const [name, counter] of this.#counters) {
      const value = values.get(name);
      if (value === undefined || value === counter.value) counter.stillMs += gapMs;
    }
    for (const [name, value] of values) {
      if (this.#counters.get(name)?.value !== value) this.#counters.set(name, { value, stillMs: 0 });
    }
  }

  /** How long a counter has been seen to stand still, in ms; `null`: it was never there. */
  stillMs(name: string): number | null {
    return this.#counters.get(name)?.stillMs ?? null;
  }
}
