/**
 * What an output folder with many finished batches costs: commands that look for one of them or at all of them, and a worker
 * that has nothing to do. `node --import tsx bench/many-batches.ts 1000 --other ../before/dist/client/cli.js`
 *
 * Exit code 0, or 1 where a command failed.
 */
import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { readRecord } from '../src/temporal-server/server-record.ts';
import { startTestServer } from '../test/support/temporal-server.ts';
import { cpuMsOf, endedChildrenCpuMs } from './measure/proc.ts';

const SEED = 'seed';
const REPETITIONS = 5;
/** For what a worker does when it starts. */
const SETTLE_MS = 5000;

interface Scene {
  cli: string;
  /** Working directory: its `data/batch_results` is the default output folder. */
  folder: string;
  env: NodeJS.ProcessEnv;
  serverPid: number;
  idleSeconds: number;
}

interface Cost {
  wallMs: number;
  cpuMs: number;
}

const run = promisify(execFile);

async function costOf({ cli, folder, env }: Scene, args: readonly string[]): Promise<Cost> {
  const cpuBefore = endedChildrenCpuMs() ?? 0;
  const startedAt = performance.now();
  await run(process.execPath, [cli, ...args], { cwd: folder, env, maxBuffer: 1e8 });
  return { wallMs: performance.now() - startedAt, cpuMs: (endedChildrenCpuMs() ?? 0) - cpuBefore };
}

async function medianCost(scene: Scene, argsOf: (repetition: number) => string[]): Promise<Cost> {
  const costs: Cost[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition++)
    costs.push(await costOf(scene, argsOf(repetition)));
  const median = (figures: number[]): number => figures.sort((a, b) => a - b)[REPETITIONS >> 1]!;
  return {
    wallMs: median(costs.map(({ wallMs }) => wallMs)),
    cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
  };
}

/** Shares of a core that an idle worker and its server use. */
async function idleWorker({ cli, folder, env, serverPid, idleSeconds }: Scene): Promise<number[]> {
  const worker = spawn(process.execPath, [cli, 'worker'], { cwd: folder, env, stdio: 'ignore' });
  try {
    await sleep(SETTLE_MS);
    const used = (): number[] => [cpuMsOf(worker.pid!) ?? 0, cpuMsOf(serverPid) ?? 0];
    const before = used();
    await sleep(idleSeconds * 1000);
    return used().map((cpuMs, at) => (cpuMs - before[at]!) / (idleSeconds * 1000));
  } finally {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  }
}

/** One finished batch, and copies of it under other ids, all of them in the registry. */
async function fillFolder({ folder, env }: Scene, copies: number): Promise<void> {
  const outputDir = join(folder, 'data', 'batch_results');
  const registry = join(env['DURABATCH_HOME']!, 'batches');
  const manifest = await readFile(join(outputDir, SEED, 'batch.json'), 'utf8');
  const entry = await readFile(join(registry, `${SEED}.json`), 'utf8');
  const idMember = (id: string): string => `"batch_id": "${id}"`;
  for (let copy = 1; copy <= copies; copy++) {
    const id = `copy-${String(copy).padStart(6, '0')}`;
    await cp(join(outputDir, SEED), join(outputDir, id), { recursive: true });
    await writeFile(join(outputDir, id, 'batch.json'), manifest.replace(idMember(SEED), idMember(id)));
    await writeFile(join(registry, `${id}.json`), entry.replace(`"${SEED}"`, `"${id}"`));
  }
}

async function measure(scene: Scene, build: string): Promise<void> {
  const { folder } = scene;
  const prompts = async (name: string): Promise<string> => {
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify([`say ${name}`]));
    return file;
  };
  const files = await Promise.all(
    Array.from({ length: REPETITIONS }, (_, at) => prompts(`new-${build}-${at}`)),
  );
  const rows: [string, (repetition: number) => string[]][] = [
    ['help (what every command costs)', () => ['--help']],
    ['completion at Tab', () => ['__complete', 'bash', '--', 'status', 'copy-0000']],
    ['status of one', () => ['status', 'copy-000001']],
    ['list', () => ['list']],
    ['watch, nothing open', () => ['watch']],
    [
      'run of a new batch',
      (at) => ['run', files[at]!, '--provider', 'simulated', '--id', `fresh-${build}-${at}`],
    ],
  ];
  for (const [name, argsOf] of rows) {
    const { wallMs, cpuMs } = await medianCost(scene, argsOf);
    console.log(`| ${build} | ${name} | ${wallMs.toFixed(0)} ms | ${cpuMs.toFixed(0)} ms |`);
  }
  const [worker, server] = await idleWorker(scene);
  const share = (part = 0): string => `${(part * 100).toFixed(1)} %`;
  console.log(
    `| ${build} | idle worker, share of a core | ${share(worker)} | its server: ${share(server)} |`,
  );
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { other: { type: 'string' }, seconds: { type: 'string', default: '60' } },
});
const copies = Number(positionals[0] ?? 1000);
const builtCli = fileURLToPath(new URL('../dist/client/cli.js', import.meta.url));
const server = await startTestServer();
const folder = await mkdtemp(join(tmpdir(), 'durabatch-many-'));
try {
  const scene: Scene = {
    ...{ cli: builtCli, folder, env: server.env, idleSeconds: Number(values.seconds) },
    serverPid: readRecord(server.home)!.pid!,
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'seed.json'), JSON.stringify(['one', 'two']));
  await costOf(scene, ['run', 'seed.json', '--provider', 'simulated', '--id', SEED]);
  await fillFolder(scene, copies);
  console.log(
    `${copies} finished batches\n\n| build | what | wall, median of ${REPETITIONS} | CPU |\n|---|---|--:|--:|`,
  );
  if (values.other !== undefined) await measure({ ...scene, cli: resolve(values.other) }, 'other');
  await measure(scene, 'this');
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  await server.stop();
}
