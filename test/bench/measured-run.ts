import type { Measured } from '../../bench/measure/measure-run.ts';
import { type ContenderName, workloadOf } from '../../bench/workloads.ts';

/** What a run could have come to, and whatever a test wants otherwise. */
export const measuredRun = (
  workload: string,
  contender: ContenderName,
  run: number,
  changes: Partial<Measured> = {},
): Measured => ({
  ...{ workload, contender, run },
  prompts: workloadOf(workload).prompts,
  wallSeconds: 12,
  promptsPerSecond: 90,
  firstRequestSeconds: 1,
  spanSeconds: (changes.wallSeconds ?? 12) - 2,
  idealSeconds: 8,
  utilisation: 0.9,
  peakInFlight: 50,
  cpuMsPerPrompt: { command: 4, server: 3, provider: 0.5 },
  peakRssMb: { command: 300, server: 200 },
  providerDelayMs: 0.4,
  threads: {},
  answersPerBucket: [],
  samples: [],
  loadBefore: 0,
  ...changes,
});
