/** One contender's run of one workload, from the start of its process to its end. */
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandOf } from '../contenders.ts';
import { idealMs } from '../ideal-schedule.ts';
import { latencyMsOf } from '../latency.ts';
import { startProvider } from '../stand-in/start-provider.ts';
import type { ContenderName, Workload } from '../workloads.ts';
import { cpuMsOf, endedChildrenCpuMs, memoryOf, threadsOf } from './proc.ts';
import { steadyRate, utilisation } from './steady-rate.ts';

const SAMPLE_MS = 250;
/** For what the server still does when the contender has ended. */
const SETTLE_MS = 500;
const RUN_TIMEOUT_MS = 30 * 60_000;

export interface Sample {
  /** Seconds since the process started. */
  seconds: number;
  commandRssMb: number | null;
  serverRssMb: number | null;
}

export interface Measured {
  workload: string;
  contender: ContenderName;
  run: number;
  prompts: number;
  /** From the start of the process to its end. */
  wallSeconds: number;
  /** From the start of the process to the first request at the provider. */
  firstRequestSeconds: number;
  /** From the first request to the last answer. */
  spanSeconds: number;
  /** What `spanSeconds` could be at best. */
  idealSeconds: number;
  /** In steady state; `null`: the run was too short. */
  promptsPerSecond: number | null;
  /** Share of the slots with a request in flight, up to the last start. */
  utilisation: number | null;
  peakInFlight: number;
  /** CPU time per prompt; of the command, its start included. */
  cpuMsPerPrompt: { command: number | null; server: number | null; provider: number };
  peakRssMb: { command: number | null; server: number | null };
  /** How much later than wanted the provider answered. */
  providerDelayMs: number;
  /** CPU ms per prompt of the command's threads, the greatest first, those below 1 % left out. */
  threads: Record<string, number>;
  /** Answers per 100 ms since the first request. */
  answersPerBucket: number[];
  samples: Sample[];
  loadBefore: number;
}

export interface Scene {
  programs: string;
  promptFile: string;
  /** Made for the run, and removed after it. */
  outputDir: string;
  otherCli: string | null;
  env: NodeJS.ProcessEnv;
  serverPid: number;
  loadBefore: number;
  /** Where CPU profiles go; default: none are taken. */
  profiles?: string;
  signal: AbortSignal;
}

/** Throws if the contender fails, or does not get exactly the answers it should. */
export async function measureRun(
  workload: Workload,
  contender: ContenderName,
  run: number,
  scene: Scene,
): Promise<Measured> {
  const { prompts, completions, workers, name } = workload;
  const { programs, promptFile, outputDir, otherCli, env, serverPid } = scene;
  const provider = await startProvider(programs, workload);
  await mkdir(outputDir, { recursive: true });
  try {
    const id = `${name.replace(':', '-')}-${contender}-${run}-${process.pid}`;
    const args = commandOf(contender, workload, {
      ...{ programs, promptFile, outputDir, otherCli, id },
      baseUrl: provider.baseUrl,
    });
    const profiling = scene.profiles ? ['--cpu-prof', `--cpu-prof-dir=${join(scene.profiles, id)}`] : [];
    const serverCpuBefore = cpuMsOf(serverPid);
    const command = await watchProcess([...profiling, ...args], env, serverPid, scene.signal);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const serverCpuAfter = cpuMsOf(serverPid);
    const stats = await provider.stats();
    const { firstRequestAt, lastRequestAt, lastAnswerAt } = stats;
    if (command.code !== 0 || firstRequestAt === null || lastRequestAt === null || lastAnswerAt === null) {
      throw new Error(`${contender} ended with exit code ${command.code} on ${name}:\n${command.output}`);
    }
    if (stats.answers !== prompts * completions || stats.answeredTooOften + stats.answeredTooSeldom > 0) {
      throw new Error(
        `${contender} on ${name}: expected ${completions} answers for each of ${prompts} prompts, got ${stats.answers} in all; ` +
          `${stats.answeredTooOften} prompts were answered too often, ${stats.answeredTooSeldom} too seldom`,
      );
    }
    if (scene.profiles) await writeFile(join(scene.profiles, id, 'output.txt'), command.output);
    const perPrompt = (ms: number | null): number | null => (ms === null ? null : ms / prompts);
    const rate = steadyRate(stats.answersPerBucket);
    const latencies = Array.from({ length: prompts }, (_, index) => latencyMsOf(workload.latency, index));
    return {
      ...{ workload: name, contender, run, prompts },
      wallSeconds: (command.endedAt - command.startedAt) / 1000,
      firstRequestSeconds: (firstRequestAt - command.startedAt) / 1000,
      spanSeconds: (lastAnswerAt - firstRequestAt) / 1000,
      idealSeconds: (idealMs(latencies, workers) * completions) / 1000,
      promptsPerSecond: rate === null ? null : rate / completions,
      utilisation: utilisation(stats.inFlightPerBucket, lastRequestAt - firstRequestAt, workers),
      peakInFlight: stats.peakInFlight,
      cpuMsPerPrompt: {
        command: perPrompt(command.cpuMs),
        server: perPrompt(
          serverCpuBefore === null || serverCpuAfter === null ? null : serverCpuAfter - serverCpuBefore,
        ),
        provider: stats.cpuMs / prompts,
      },
      peakRssMb: { command: command.peakRssMb, server: command.serverPeakRssMb },
      providerDelayMs: stats.meanDelayMs,
      threads: threadShares(command.threads, prompts),
      answersPerBucket: stats.answersPerBucket,
      samples: command.samples,
      loadBefore: scene.loadBefore,
    };
  } finally {
    await provider.stop();
    await rm(outputDir, { recursive: true, force: true });
  }
}

interface WatchedProcess {
  code: number | null;
  /** ms since 1970. */
  startedAt: number;
  endedAt: number;
  output: string;
  cpuMs: number | null;
  peakRssMb: number | null;
  serverPeakRssMb: number | null;
  threads: Map<string, number>;
  samples: Sample[];
}

const wallClock = (): number => performance.timeOrigin + performance.now();

/** No other child of this process may end meanwhile: its CPU time would be taken for this one's. */
async function watchProcess(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  serverPid: number,
  signal: AbortSignal,
): Promise<WatchedProcess> {
  const cpuBefore = endedChildrenCpuMs();
  const startedAt = wallClock();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(kill, RUN_TIMEOUT_MS);
  signal.addEventListener('abort', kill);
  process.once('exit', kill);
  let output = '';
  const hear = (chunk: string): void => void (output = `${output}${chunk}`.slice(-10_000));
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);

  const samples: Sample[] = [];
  let peakRssMb: number | null = null;
  let serverPeakRssMb: number | null = null;
  let threads = new Map<string, number>();
  const sampler = setInterval(() => {
    const command = memoryOf(child.pid!);
    const server = memoryOf(serverPid);
    if (!command) return;
    peakRssMb = command.peakRssMb;
    serverPeakRssMb = Math.max(serverPeakRssMb ?? 0, server?.rssMb ?? 0);
    threads = new Map([...threads, ...threadsOf(child.pid!)]);
    samples.push({
      seconds: (wallClock() - startedAt) / 1000,
      commandRssMb: command.rssMb,
      serverRssMb: server?.rssMb ?? null,
    });
  }, SAMPLE_MS);

  try {
    const { code, endedAt } = await new Promise<{ code: number | null; endedAt: number }>(
      (resolve, reject) => {
        let end = { code: null as number | null, endedAt: 0 };
        child.once('error', reject);
        child.once('exit', (exitCode) => (end = { code: exitCode, endedAt: wallClock() }));
        child.once('close', () => resolve(end));
      },
    );
    signal.throwIfAborted();
    const cpuAfter = endedChildrenCpuMs();
    const cpuMs = cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore;
    return { code, startedAt, endedAt, output, cpuMs, peakRssMb, serverPeakRssMb, threads, samples };
  } finally {
    clearTimeout(timer);
    clearInterval(sampler);
    signal.removeEventListener('abort', kill);
    process.off('exit', kill);
  }
}

/** Threads of one name together, but those that Node calls `node` one by one in the order of their start: the first is the main one, then come V8's. */
function threadShares(threads: Map<string, number>, prompts: number): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [position, [name, cpuMs]] of [...threads].entries()) {
    const kind =
      position === 0 ? 'main' : name.replace(/ \d+$/, name.startsWith('node ') ? ` #${position}` : '');
    sums.set(kind, (sums.get(kind) ?? 0) + cpuMs);
  }
  const total = [...sums.values()].reduce((sum, cpuMs) => sum + cpuMs, 0);
  return Object.fromEntries(
    [...sums]
      .filter(([, cpuMs]) => cpuMs > total / 100)
      .toSorted(([, a], [, b]) => b - a)
      .map(([kind, cpuMs]) => [kind, cpuMs / prompts]),
  );
}
