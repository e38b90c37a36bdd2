/** One batch, real processes, blows at random moments; at the end a verdict from what the provider saw. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopServer } from '../../src/temporal-server/embedded-server.ts';
import { testEnv } from '../support/temporal-server.ts';
import { collect, figuresOf, writeProviderLog } from './collect.ts';
import { BATCH_ID, createCrew } from './crew.ts';
import type { ChaosOptions, Field } from './field.ts';
import { startMisbehavingProvider } from './misbehaving-provider.ts';
import { gone, processesOf, signal } from './processes.ts';
import { createRandom } from './random.ts';
import { drawSchedule } from './schedule.ts';
import { strike } from './strike.ts';
import { type Check, judge } from './verdict.ts';

export interface ChaosResult {
  checks: Check[];
  /** Counts for a reader, one line each. */
  figures: string[];
  /** Where it happened: still there if a check failed. */
  folder: string;
}

/** Longer than the slowest answer, and short, since silence holds a prompt up. */
const IDLE_TIMEOUT = '3s';
const POLL_MS = 20;
const SAY_EVERY_MS = 3000;

/** `say` takes progress lines. Ends all it has started, also when it fails; `abort` makes it fail. */
export async function runChaos(
  options: ChaosOptions,
  say: (line: string) => void,
  abort?: AbortSignal,
): Promise<ChaosResult> {
  const field = await prepare(options);
  const { crew, folder } = field;
  const startedAt = Date.now();
  const saying = setInterval(() => say(progressLine(field, startedAt)), SAY_EVERY_MS);
  let passed = false;
  try {
    await fight(field, abort);
    const exitCode = await crew.finish();
    const evidence = await collect(field, exitCode, await endAll(field));
    const checks = judge(evidence);
    passed = checks.every(({ ok }) => ok);
    return { checks, figures: await figuresOf(field, evidence, Date.now() - startedAt), folder };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${why}; what there is to look at: ${folder}`, { cause: error });
  } finally {
    clearInterval(saying);
    await crew.end();
    await endAll(field);
    await writeProviderLog(field);
    await field.provider.close();
    if (passed) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function prepare(options: ChaosOptions): Promise<Field> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'durabatch-chaos-')));
  const [home, outputDir, file] = [join(folder, 'home'), join(folder, 'out'), join(folder, 'prompts.json')];
  const prompts = Array.from({ length: options.prompts }, (_, index) => `Question number ${index + 1}?`);
  await mkdir(home);
  await writeFile(file, JSON.stringify(prompts));
  const env = { ...(await testEnv(home)), OPENAI_API_KEY: 'key-of-the-chaos-run' };
  const provider = await startMisbehavingProvider(options.seed, options.honourN);
  const crew = createCrew({
    folder,
    outputDir,
    env,
    workers: options.workers,
    runArgs: [
      file,
      ...['--provider', 'openai', '--model', 'gpt-4o-mini', '--base-url', provider.baseUrl],
      ...['--output-dir', outputDir, '--id', BATCH_ID],
      ...['--completions', String(options.completions), '--max-workers', String(options.maxWorkers)],
      ...['--idle-timeout', IDLE_TIMEOUT],
    ],
  });
  return { options, folder, home, outputDir, prompts, provider, crew, kills: [], stops: [] };
}

async function fight(field: Field, abort: AbortSignal | undefined): Promise<void> {
  const { options, crew, provider } = field;
  const random = createRandom(options.seed, 'blows');
  const end = Date.now() + options.deadlineMs;
  const until = async (so: () => boolean): Promise<void> => {
    for (; !so() && !crew.isOver; await sleep(POLL_MS)) {
      abort?.throwIfAborted();
      if (Date.now() > end) throw new Error(`the batch had not ended after ${options.deadlineMs / 1000} s`);
    }
  };
  await crew.start('run', true);
  const answers = options.prompts * options.completions;
  for (const blow of drawSchedule({ ...options, answers }, random)) {
    const { answered, delayMs } = blow.when;
    if (answered !== null) await until(() => provider.answered.completions >= answered);
    const at = Date.now() + delayMs;
    await until(() => Date.now() >= at);
    if (crew.isOver) return;
    await strike(field, blow, random);
  }
  await until(() => false);
}

/** Stops the server and ends, by its pid, whoever is left; answers who that was. */
async function endAll({ home, folder }: Field): Promise<string[]> {
  await stopServer(home);
  const left = processesOf(folder);
  for (const { pid } of left) {
    signal(pid, 'SIGKILL');
    await gone(pid);
  }
  return left.map(({ pid, command }) => `${pid} ${command.slice(0, 120)}`);
}

const progressLine = ({ options, provider, kills, stops }: Field, startedAt: number): string => {
  const whole = [...provider.answered.perPrompt.values()].filter(
    ({ completions }) => completions >= options.completions,
  ).length;
  const stopped = options.stops > 0 ? ` · ${stops.length}/${options.stops} stops` : '';
  return `${Math.round((Date.now() - startedAt) / 1000)} s · ${kills.length}/${options.kills} kills${stopped} · ${whole}/${options.prompts} prompts answered · ${provider.requests} requests`;
};
