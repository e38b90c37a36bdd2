/** Who runs a workload, and how each is started. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContenderName, Workload } from './workloads.ts';

const cli = fileURLToPath(new URL('../dist/client/cli.js', import.meta.url));

/** What the bare loop and the plain script are told, as JSON. */
export interface RunArguments {
  /** Unique on the server. */
  id: string;
  promptFile: string;
  baseUrl: string;
  completions: number;
  workers: number;
  outputDir: string;
  workflowBundle: string;
}

export interface Place {
  /** Where the benchmark's programs were compiled to. */
  programs: string;
  promptFile: string;
  outputDir: string;
  baseUrl: string;
  id: string;
  /** `cli.js` of the other build. */
  otherCli: string | null;
}

/** Arguments for `node`. */
export function commandOf(
  contender: ContenderName,
  { completions, workers }: Workload,
  { programs, promptFile, outputDir, baseUrl, id, otherCli }: Place,
): string[] {
  if (contender === 'durabatch' || contender === 'other-build') {
    const program = contender === 'durabatch' ? cli : otherCli;
    if (program === null)
      throw new Error('there is no other build: name its dist/client/cli.js with --other');
    return [
      ...[program, 'run', promptFile],
      ...['--provider', 'openai-compatible', '--base-url', baseUrl, '--model', 'stand-in'],
      ...['--completions', `${completions}`, '--max-workers', `${workers}`],
      ...['--output-dir', outputDir, '--id', id],
    ];
  }
  const told: RunArguments = {
    ...{ id, promptFile, baseUrl, completions, workers, outputDir },
    workflowBundle: join(programs, 'bare-loop.js'),
  };
  return [join(programs, contender, 'run.js'), JSON.stringify(told)];
}
