/** What an audit compares, in the order it is shown. */
export const checkNames = {
  ledger: 'ledger: ends of prompts, and the answers they name',
  summary: 'report: figures of the summary',
  results: 'report: prompts, with all their fields',
  answers: 'report: answers by record id, with their texts',
  possiblyPaid: 'report: requests possibly paid, by record id',
  outcomes: 'manifest: totals of the reported run',
  receipts: 'workflow: receipts, by the record ids they name',
  totals: 'workflow: totals of its runs',
} as const;
export type CheckName = keyof typeof checkNames;

export interface Difference {
  check: CheckName;
  /** Where, what was expected and what was found. */
  message: string;
  /** Ledger records concerned. */
  records: string[];
}

export interface Check {
  check: CheckName;
  compared: number;
  differences: number;
}

/** Enough to see what is wrong; a report of another batch would fill the memory. */
const KEPT = 1000;

/** Collects what an audit finds: every difference is counted, the first 1,000 are kept. */
export class Findings {
  readonly differences: Difference[] = [];
  readonly #checks = new Map<CheckName, Check>();

  get total(): number {
    return [...this.#checks.values()].reduce((sum, { differences }) => sum + differences, 0);
  }

  get checks(): Check[] {
    const names = Object.keys(checkNames) as CheckName[];
    return names.flatMap((name) => this.#checks.get(name) ?? []);
  }

  compared(check: CheckName, count = 1): void {
    this.#of(check).compared += count;
  }

  differs(difference: Difference): void {
    this.#of(difference.check).differences++;
    if (this.differences.length < KEPT) this.differences.push(difference);
  }

  #of(check: CheckName): Check {
    const known = this.#checks.get(check) ?? { check, compared: 0, differences: 0 };
    this.#checks.set(check, known);
    return known;
  }
}
