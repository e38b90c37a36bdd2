/** The n-th file operation of a batch fails, for every n or for some. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureServer, stopServer } from '../../src/temporal-server/embedded-server.ts';
import { testEnv } from '../support/temporal-server.ts';
import { everyFault, type PlannedFault, someFaults } from './file-fault.ts';
import { runFileTrial } from './file-trial.ts';
import { faultsOf } from './file-verdict.ts';
import { createRandom } from './random.ts';

export interface SweepOptions {
  seed: number;
  /** How many of all faults; `null`: every one. */
  trials: number | null;
  /** Trials at a time. */
  lanes: number;
}

export interface SweepResult {
  /** File operations of a run without faults. */
  operations: number;
  trials: number;
  /** Faults that befell nobody: the run had fewer operations. */
  missed: number;
  /** Where an answer was in flight at a death, and is named as possibly paid. */
  named: number;
  /** One entry for each trial after which something was wrong, with what happened. */
  failed: string[];
  /** Where it happened: still there if a trial failed. */
  folder: string;
}

/** `say` takes progress lines. Ends all it has started. */
export async function runFileSweep(
  { seed, trials, lanes }: SweepOptions,
  say: (line: string) => void,
  abort?: AbortSignal,
): Promise<SweepResult> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'durabatch-files-')));
  const home = join(folder, 'home');
  const env = { ...(await testEnv(home)), OPENAI_API_KEY: 'key-of-the-file-sweep' };
  const result: SweepResult = { operations: 0, trials: 0, missed: 0, named: 0, failed: [], folder };
  try {
    await ensureServer({ home, env, log: say });
    const plain = await runFileTrial(env, folder, { at: 0, kind: 'error', code: 'EIO' });
    const wrong = faultsOf(plain.evidence);
    if (wrong.length > 0) throw new Error(`without a fault: ${[...wrong, ...plain.story].join('; ')}`);
    result.operations = plain.operations.length;
    const random = createRandom(seed, 'files');
    const all = everyFault(plain.operations, random);
    const faults = someFaults(all, trials ?? all.length, random);
    say(`${plain.operations.length} file operations, ${all.length} faults, ${faults.length} of them tried`);
    const next = faults.values();
    const lane = async (): Promise<void> => {
      for (const fault of next) {
        abort?.throwIfAborted();
        await tryFault(env, fault, result, say);
      }
    };
    // A lane that fails waits for the others: nothing may run on without its server.
    const ends = await Promise.allSettled(Array.from({ length: lanes }, lane));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return result;
  } finally {
    await stopServer(home);
    if (result.failed.length === 0) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function tryFault(
  env: NodeJS.ProcessEnv,
  fault: PlannedFault,
  result: SweepResult,
  say: (line: string) => void,
): Promise<void> {
  const { story, evidence, operations } = await runFileTrial(env, result.folder, fault);
  result.trials++;
  if (operations.length < fault.at) result.missed++;
  if ((evidence.report?.possibly_paid.length ?? 0) > 0) result.named++;
  const wrong = faultsOf(evidence);
  const told = `operation ${fault.at} (${operations[fault.at - 1] ?? 'none'}): ${fault.kind} ${fault.code}`;
  if (wrong.length > 0) result.failed.push([told, ...wrong, ...story].join('\n    '));
  say(
    `${result.trials}: ${told}: ${wrong.length === 0 ? 'PASS' : `FAIL ${wrong[0]}`} (${story.map((line) => line.slice(0, 14)).join(', ')})`,
  );
}
