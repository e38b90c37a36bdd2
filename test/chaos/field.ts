import type { Crew } from './crew.ts';
import type { MisbehavingProvider } from './misbehaving-provider.ts';
import type { Kill, Stop } from './verdict.ts';

export interface ChaosOptions {
  prompts: number;
  kills: number;
  /** Workers frozen for longer than the heartbeat timeout, besides the kills. */
  stops: number;
  seed: number;
  completions: number;
  maxWorkers: number;
  workers: 1 | 2;
  honourN: boolean;
  /** Milliseconds the whole may take. */
  deadlineMs: number;
}

/** Where a chaos run takes place, and what has happened so far. */
export interface Field {
  options: ChaosOptions;
  /** Of its own: everything is in it, and every process has it in its arguments. */
  folder: string;
  /** The DURABATCH_HOME. */
  home: string;
  outputDir: string;
  /** Their texts, in input order. */
  prompts: readonly string[];
  provider: MisbehavingProvider;
  crew: Crew;
  kills: Kill[];
  stops: Stop[];
}
