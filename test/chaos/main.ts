/**
 * npm run chaos -- --prompts 1000 --kills 50 --seed 7
 *
 * Exit code 0 if every check passed, 1 if one failed (the folder is kept), 2 for a wrong flag, 130 if interrupted.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { ChaosOptions } from './field.ts';
import { runChaos } from './run-chaos.ts';
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
`;

function optionsOf(args: string[]): ChaosOptions | null {
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
      help: { type: 'boolean' },
    },
  });
  if (values.help) return null;
  const count = (name: Exclude<keyof typeof values, 'honour-n' | 'help'>, otherwise: number): number => {
    const value = values[name] ?? String(otherwise);
    if (!/^\d{1,9}$/.test(value)) throw new Error(`--${name}: expected a whole number, got "${value}"`);
    return Number(value);
  };
  const kills = count('kills', 50);
  const workers = count('workers', 1);
  if (workers !== 1 && workers !== 2) throw new Error(`--workers: expected 1 or 2, got ${workers}`);
  return {
    prompts: count('prompts', 1000),
    kills,
    workers,
    stops: count('stops', workers === 2 ? Math.ceil(kills / 10) : 0),
    seed: count('seed', randomInt(1_000_000)),
    completions: count('completions', 2),
    maxWorkers: count('max-workers', 50),
    honourN: values['honour-n'] ?? false,
    deadlineMs: count('deadline', 1200) * 1000,
  };
}

const say = (line: string): void => console.log(line);

function table(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ what }) => what.length));
  return checks
    .map(({ what, ok, found }) => `${ok ? 'PASS' : 'FAIL'}  ${what.padEnd(width)}  ${found}`)
    .join('\n');
}

async function main(): Promise<number> {
  let options: ChaosOptions | null;
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
  const { prompts, kills, stops, workers, seed } = options;
  say(
    `seed ${seed}: ${prompts} prompts, ${kills} kills, ${stops} stops, ${workers === 1 ? 'run' : 'two workers'}`,
  );
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => abort.abort(new Error('interrupted: everything it started has been ended')));
  }
  try {
    const { checks, figures, folder } = await runChaos(options, say, abort.signal);
    say(`\n${table(checks)}\n\n${figures.join('\n')}`);
    if (checks.every(({ ok }) => ok)) return 0;
    say(`\nFailed with --seed ${seed}. What there is to look at: ${folder}`);
    return 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nseed ${seed}\n`);
    return abort.signal.aborted ? 130 : 1;
  }
}

process.exitCode = await main();
