/**
 * npm run bench -- W1 W2 --runs 3
 *
 * Exit code 0 if every run was as it should be, 1 if one was not, 2 for a wrong flag, 130 if interrupted.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readRecord } from '../src/temporal-server/server-record.ts';
import { startTestServer } from '../test/support/temporal-server.ts';
import { buildPrograms } from './build-programs.ts';
import { machineText } from './machine.ts';
import { type Measured, measureRun } from './measure/measure-run.ts';
import { plotPage } from './plot.ts';
import { writePromptFile } from './prompt-file.ts';
import { figuresTable, runLine } from './render.ts';
import { type ContenderName, contenderNames, type Workload, workloadNames, workloadOf } from './workloads.ts';

const help = `Usage: npm run bench -- <workload ...> [flags]

Workloads: ${workloadNames.join(', ')}; with another number of prompts as in W7:10000. See bench/README.md.

  --runs <n>        runs of each, interleaved (default: 3)
  --only <names>    of ${contenderNames.join(', ')} (default: all that the workload has)
  --other <cli.js>  dist/client/cli.js of another build, to be measured beside this one
  --json <file>     writes everything measured, samples over time included
  --plot <file>     writes a page of HTML with rate and memory over time
  --profile <dir>   takes CPU profiles of the contenders' processes (slows them down)
`;

interface BenchOptions {
  workloads: Workload[];
  runs: number;
  only: ContenderName[] | null;
  otherCli: string | null;
  json: string | null;
  plot: string | null;
  profiles: string | null;
}

function optionsOf(args: string[]): BenchOptions | null {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      runs: text,
      only: text,
      other: text,
      json: text,
      plot: text,
      profile: text,
      help: { type: 'boolean' },
    },
  });
  if (values.help) return null;
  if (positionals.length === 0) throw new Error(`expected one workload or more: ${workloadNames.join(', ')}`);
  const { runs = '3', only, other, json, plot, profile } = values;
  if (!/^[1-9]\d?$/.test(runs)) throw new Error(`--runs: expected 1 to 99, got "${runs}"`);
  return {
    workloads: positionals.map(workloadOf),
    runs: Number(runs),
    only: only === undefined ? null : only.split(',').map(contenderOf),
    otherCli: other === undefined ? null : resolve(other),
    json: json ?? null,
    plot: plot ?? null,
    profiles: profile === undefined ? null : resolve(profile),
  };
}

function contenderOf(name: string): ContenderName {
  const found = contenderNames.find((known) => known === name);
  if (!found) throw new Error(`--only: expected ${contenderNames.join(', ')}, got "${name}"`);
  return found;
}

const say = (line: string): void => console.log(line);

/** All on one server, warmed up by three prompts of each. In every round each contender has its turn, in another order. */
async function bench(options: BenchOptions, signal: AbortSignal): Promise<Measured[]> {
  const { workloads, runs, only, otherCli, profiles } = options;
  const cleanUp: (() => Promise<unknown>)[] = [];
  const removed = (path: string): void =>
    void cleanUp.unshift(() => rm(path, { recursive: true, force: true }));
  try {
    const folder = await mkdtemp(join(tmpdir(), 'durabatch-bench-'));
    removed(folder);
    const programs = await buildPrograms();
    removed(programs);
    const server = await startTestServer();
    cleanUp.unshift(() => server.stop());
    const env = { ...server.env, TEMPORAL_ADDRESS: server.address };
    const serverPid = readRecord(server.home)!.pid!;
    const measured: Measured[] = [];
    let count = 0;
    const measure = async (workload: Workload, contender: ContenderName, run: number): Promise<Measured> => {
      const promptFile = join(folder, `prompts-${workload.prompts}.jsonl`);
      await writePromptFile(promptFile, workload.prompts);
      const outputDir = join(folder, `output-${++count}`);
      return measureRun(workload, contender, run, {
        ...{ programs, promptFile, outputDir, otherCli, env, serverPid, signal },
        loadBefore: loadavg()[0]!,
        ...(profiles === null || run === 0 ? {} : { profiles }),
      });
    };

    const contendersOf = ({ contenders }: Workload): readonly ContenderName[] =>
      only ?? (otherCli === null ? contenders : [...contenders, 'other-build']);
    const all = [...new Set(workloads.flatMap(contendersOf))];
    for (const contender of all) await measure(workloadOf('W3'), contender, 0);
    for (let run = 1; run <= runs; run++) {
      for (const workload of workloads) {
        const contenders = contendersOf(workload);
        const first = (run - 1) % contenders.length;
        for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
          const figures = await measure(workload, contender, run);
          measured.push(figures);
          say(runLine(figures));
        }
      }
    }
    return measured;
  } finally {
    for (const end of cleanUp) await end();
  }
}

async function main(): Promise<number> {
  let options: BenchOptions | null;
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
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => abort.abort(new Error('interrupted: everything it started has been ended')));
  }
  try {
    if (options.profiles !== null) await mkdir(options.profiles, { recursive: true });
    say(machineText());
    const measured = await bench(options, abort.signal);
    say(`\n${figuresTable(options.workloads, measured)}`);
    if (options.json !== null) await writeFile(options.json, JSON.stringify(measured, null, 2));
    if (options.plot !== null) await writeFile(options.plot, plotPage(measured, machineText()));
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return abort.signal.aborted ? 130 : 1;
  }
}

process.exitCode = await main();
