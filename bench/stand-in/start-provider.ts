import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Workload } from '../workloads.ts';
import type { ProviderStats } from './tally.ts';

export interface StandIn {
  /** Address of the API up to its version. */
  baseUrl: string;
  /** `cpuMs`: the provider's own, since it began to listen. */
  stats(): Promise<ProviderStats & { cpuMs: number }>;
  stop(): Promise<void>;
}

/** `programs` is where the benchmark's programs were compiled to. */
export async function startProvider(programs: string, workload: Workload): Promise<StandIn> {
  const child = spawn(
    process.execPath,
    [join(programs, 'stand-in', 'provider.js'), JSON.stringify(workload)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const port = await firstLine(child);
  const origin = `http://127.0.0.1:${port}`;
  return {
    baseUrl: `${origin}/v1`,
    stats: async () => (await (await fetch(`${origin}/stats`)).json()) as ProviderStats & { cpuMs: number },
    stop: async () => {
      process.off('exit', kill);
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line;
  throw new Error('the stand-in provider ended before it listened');
}
