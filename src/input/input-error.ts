const SHOWN = 20;

/** Every problem of an input at once; `message` is the whole text for the terminal. */
export class InputError extends Error {
  /** The first 20, each a line that names the file, the item and the field. */
  readonly problems: string[];
  readonly total: number;

  constructor(problems: string[], total = problems.length) {
    const shown = problems.slice(0, SHOWN);
    const more = total - shown.length;
    const tail = more === 0 ? [] : [`… and ${more} more ${more === 1 ? 'problem' : 'problems'}`];
    super([...shown, ...tail].join('\n'));
    this.name = 'InputError';
    this.problems = shown;
    this.total = total;
  }
}

/** The input cannot be read beyond this point. Becomes one problem of the `InputError`. */
export class BrokenInput extends Error {}

/** Gathers the problems of one input; counts those it does not keep. */
export class ProblemList {
  readonly #file: string;
  readonly #first: string[] = [];
  #total = 0;

  constructor(file: string) {
    this.#file = file;
  }

  get total(): number {
    return this.#total;
  }

  add(problem: string): void {
    this.#total += 1;
    if (this.#first.length < SHOWN) this.#first.push(`${this.#file}: ${problem}`);
  }

  throwIfAny(): void {
    if (this.#total > 0) throw new InputError(this.#first, this.#total);
  }
}
