/**
 * npm run chaos -- --prompts 1000 --kills 50 --seed 7
 * npm run chaos -- --files --seed 7
 *
 * Exit code 0 if every check passed, 1 if one failed (the folder is kept), 2 for a wrong flag, 130 if interrupted.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { ChaosOptions } from './field.ts';
import { runChaos } from './run-chaos.ts';
import { runFileSweep, type SweepOptions } from './run-file-sweep.ts';
import type { Check } from './verdict.ts';

const help = `Usage: npm run chaos -- [flags]

  --prompts <n>      prompts of the batch (default: 1000)
  --kills <n>        SIGKILLs of the command, the server, or all (default: 50)
  --seed <n>         all chances come from it (default: a random one, printed)
  --workers 1|2      1: the command with its worker; 2: two "durabatch worker" (default: 1)
  --stops <n>        workers frozen for longer than the heartbeat timeout (default: 0, with two workers a tenth of the kills)
  --completions <n>  per prompt (default: 2)
  --max-workers <n>  prompts in progress (default: 50)
  --honour-n         the provider gives as many choices as it is asked for (default: one a request)
  --deadline <s>     seconds the whole may take (default: 1200)

  --files            instead: batches of 20 prompts of which one file operation fails, each in each way, once
  --trials <n>       only so many of these, drawn by the seed
  --lanes <n>        so many at a time (default: 2)
`;

type Options = { chaos: ChaosOptions; files: null } | { chaos: null; files: SweepOptions };

function optionsOf(args: string[]): Options | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      prompts: text,
      kills: text,
      seed: text,
      workers: text,
      stops: text,
      completions: text,
      'max-workers': text,
      'honour-n': { type: 'boolean' },
      deadline: text,
      files: { type: 'boolean' },
      trials: text,
      lanes: text,
      help: { type: 'boolean' },
    },
  });
  if (values.help) return null;
  const count = (
    name: Exclude<keyof typeof values, 'honour-n' | 'files' | 'help'>,
    otherwise: number,
  ): number => {
    const value = values[name] ?? String(otherwise);
    if (!/^\d{1,9}$/.test(value)) throw new Error(`--${name}: expected a whole number, got "${value}"`);
    return Number(value);
  };
  const seed = count('seed', randomInt(1_000_000));
  if (values.files) {
    const trials = values.trials === undefined ? null : count('trials', 0);
    return { chaos: null, files: { seed, trials, lanes: Math.max(1, count('lanes', 2)) } };
  }
  const kills = count('kills', 50);
  const workers = count('workers', 1);
  if (workers !== 1 && workers !== 2) throw new Error(`--workers: expected 1 or 2, got ${workers}`);
  const chaos: ChaosOptions = {
    prompts: count('prompts', 1000),
    kills,
    workers,
    stops: count('stops', workers === 2 ? Math.ceil(kills / 10) : 0),
    seed,
    completions: count('completions', 2),
    maxWorkers: count('max-workers', 50),
    honourN: values['honour-n'] ?? false,
    deadlineMs: count('deadline', 1200) * 1000,
  };
  return { chaos, files: null };
}

const say = (line: string): void => console.log(line);

function table(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ what }) => what.length));
  return checks
    .map(({ what, ok, found }) => `${ok ? 'PASS' : 'FAIL'}  ${what.padEnd(width)}  ${found}`)
    .join('\n');
}

/** Answers the folder to look at if a check failed. */
async function strikeBlows(options: ChaosOptions, abort: AbortSignal): Promise<string | null> {
  const { prompts, kills, stops, workers, seed } = options;
  say(
    `seed ${seed}: ${prompts} prompts, ${kills} kills, ${stops} stops, ${workers === 1 ? 'run' : 'two workers'}`,
  );
  const { checks, figures, folder } = await runChaos(options, say, abort);
  say(`\n${table(checks)}\n\n${figures.join('\n')}`);
  return checks.every(({ ok }) => ok) ? null : folder;
}

/** As {@link strikeBlows}. */
async function sweepFiles(options: SweepOptions, abort: AbortSignal): Promise<string | null> {
  say(`seed ${options.seed}: the n-th file operation fails`);
  const { operations, trials, missed, named, failed, folder } = await runFileSweep(options, say, abort);
  for (const failure of failed) say(`\nFAIL  ${failure}`);
  say(
    `\n${operations} file operations, ${trials} trials: ${trials - failed.length} passed, ${failed.length} failed; ` +
      `${missed} faults came after the last operation; in ${named} an answer was in flight at a death, and is named`,
  );
  return failed.length === 0 ? null : folder;
}

async function main(): Promise<number> {
  let options: Options | null;
  try {
    options = optionsOf(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (options === null) {
    say(help);
    return 0;
  }
  const { seed } = options.chaos ?? options.files;
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => abort.abort(new Error('interrupted: everything it started has been ended')));
  }
  try {
    const failedIn = options.files
      ? await sweepFiles(options.files, abort.signal)
      : await strikeBlows(options.chaos, abort.signal);
    if (failedIn === null) return 0;
    say(`\nFailed with --seed ${seed}. What there is to look at: ${failedIn}`);
    return 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nseed ${seed}\n`);
    return abort.signal.aborted ? 130 : 1;
  }
}

process.exitCode = await main();
