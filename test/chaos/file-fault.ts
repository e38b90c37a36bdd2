/** One operation on a file that goes wrong. */
import type { Random } from './random.ts';

/**
 * `error`: nothing is done. `short`: a write takes half of the bytes and says so. `torn`: half is written, then it is an
 * error. `death`: the process is killed before the operation, or in the middle of a write.
 */
export const faultKinds = ['error', 'death', 'short', 'torn', 'torn death'] as const;
export type FaultKind = (typeof faultKinds)[number];

export const errorCodes = ['EIO', 'ENOSPC', 'EMFILE'] as const;
export type ErrorCode = (typeof errorCodes)[number];

export interface PlannedFault {
  /** Which operation, from 1. */
  at: number;
  kind: FaultKind;
  code: ErrorCode;
  /** Only operations count whose name and path, with a space between them, match this expression. */
  only?: string;
}

/** What `file-faults.mjs` is told. */
export interface FileFault extends PlannedFault {
  /** Operations on files below this folder count. */
  root: string;
  /** A file that takes one line for each operation. */
  trace: string;
}

const WRITES = /^(write|writeFile|appendFile)$/;

/** For each operation of a run without faults, by name, every kind that can befall it. */
export function everyFault(operations: readonly string[], random: Random): PlannedFault[] {
  return operations.flatMap((name, before) => {
    const kinds: readonly FaultKind[] = WRITES.test(name) ? faultKinds : ['error', 'death'];
    return kinds.map((kind) => ({ at: before + 1, kind, code: codeFor(kind, random) }));
  });
}

/** A write that was torn by an error was torn by a full disk, or by the disk itself. */
const codeFor = (kind: FaultKind, random: Random): ErrorCode =>
  random.pick(kind === 'torn' ? (['EIO', 'ENOSPC'] as const) : errorCodes);

/** Some of them, each as likely as any other, in any order: what is done of a sweep that is interrupted is a fair sample. */
export function someFaults(faults: readonly PlannedFault[], count: number, random: Random): PlannedFault[] {
  const left = [...faults];
  const drawn: PlannedFault[] = [];
  while (drawn.length < count && left.length > 0) drawn.push(...left.splice(random.index(left.length), 1));
  return drawn;
}
