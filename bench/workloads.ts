import type { Latency } from './latency.ts';

export const contenderNames = ['durabatch', 'other-build', 'bare-loop', 'plain-script'] as const;
/** `other-build`: durabatch as another checkout, or another commit, has it. */
export type ContenderName = (typeof contenderNames)[number];

const all: readonly ContenderName[] = ['durabatch', 'bare-loop', 'plain-script'];

export interface Workload {
  /** As typed: `W2`, or `W7:10000` for another number of prompts. */
  name: string;
  prompts: number;
  completions: number;
  /** Prompts in progress at most. */
  workers: number;
  latency: Latency;
  contenders: readonly ContenderName[];
}

const fixed = (ms: number): Latency => ({ kind: 'fixed', ms });

const workloads: Record<string, Omit<Workload, 'name'>> = {
  W1: { prompts: 1000, completions: 2, workers: 50, latency: fixed(200), contenders: all },
  W2: { prompts: 10_000, completions: 2, workers: 100, latency: fixed(50), contenders: all },
  W3: { prompts: 3, completions: 2, workers: 3, latency: fixed(0), contenders: all },
  W6: {
    prompts: 2000,
    completions: 1,
    workers: 100,
    latency: { kind: 'log-normal', medianMs: 2000, sigma: 0.5, stragglers: 0.01, stragglerMs: 30_000 },
    contenders: all,
  },
  W7: { prompts: 100_000, completions: 1, workers: 100, latency: fixed(20), contenders: ['durabatch'] },
};

export const workloadNames = Object.keys(workloads);

/** Throws at a name that is none. */
export function workloadOf(name: string): Workload {
  const [base = '', prompts] = name.split(':');
  const workload = workloads[base];
  if (!workload) throw new Error(`expected a workload (${workloadNames.join(', ')}), got "${name}"`);
  if (prompts === undefined) return { name, ...workload };
  if (!/^[1-9]\d{0,6}$/.test(prompts))
    throw new Error(`expected a number of prompts after the colon, as in ${base}:10000, got "${name}"`);
  return { name, ...workload, prompts: Number(prompts) };
}
