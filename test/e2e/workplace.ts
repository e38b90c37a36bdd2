/** What an end-to-end test works with: a folder, a fake provider, and commands that know both. */
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'csv-parse/sync';
import type { BatchResults } from '../../src/report/results-json.ts';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import type { LedgerRecord } from '../../src/store/ledger/records.ts';
import { type CliOptions, type CliProcess, type CliResult, startCli } from '../support/cli.ts';
import { type FakeProvider, type FakeProviderOptions, startFakeProvider } from '../support/fake-provider.ts';
import { createTestHome, type TestServer } from '../support/temporal-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { firstOf } from '../support/until.ts';

/** A key that can be searched for, with no form that is redacted for its looks. */
export const testKey = 'recognisable+test+key+0123456789';

export interface Workplace {
  /** The commands' working folder. */
  folder: string;
  outputDir: string;
  provider: FakeProvider;
  env: NodeJS.ProcessEnv;
  /** Writes a prompts file: `value` as JSON, or text as it is. Answers its path. */
  write(name: string, value: unknown): Promise<string>;
  start(args: readonly string[], options?: Partial<CliOptions>): CliProcess;
  cli(args: readonly string[], options?: Partial<CliOptions>): Promise<CliResult>;
  /** `durabatch run` against the fake provider. Without `--completions` each prompt gets one. */
  startRun(file: string, flags?: readonly string[], options?: Partial<CliOptions>): CliProcess;
  run(file: string, flags?: readonly string[], options?: Partial<CliOptions>): Promise<CliResult>;
}

export async function createWorkplace(
  t: TestContext,
  server: { env: NodeJS.ProcessEnv },
  options: FakeProviderOptions = {},
): Promise<Workplace> {
  const folder = await temporaryFolder(t);
  const provider = await startFakeProvider(options);
  t.after(() => provider.close());
  const env = { ...server.env, OPENAI_API_KEY: testKey, DEEPSEEK_API_KEY: testKey };
  const started = new Set<CliProcess>();
  // A test that fails half way leaves its commands behind; the next test needs the processor.
  t.after(() =>
    Promise.all([...started].map((command) => (command.kill('SIGKILL'), command.ended.catch(() => {})))),
  );
  const start: Workplace['start'] = (args, more = {}) => {
    const command = startCli(args, { cwd: folder, env, ...more });
    started.add(command);
    void command.ended.catch(() => {}).finally(() => started.delete(command));
    return command;
  };
  const startRun: Workplace['startRun'] = (file, flags = [], more = {}) =>
    start(
      [
        'run',
        file,
        ...['--provider', 'openai-compatible', '--model', 'test-model', '--base-url', provider.baseUrl],
        ...['--output-dir', 'out', '--completions', '1'],
        ...flags,
      ],
      more,
    );
  return {
    folder,
    outputDir: join(folder, 'out'),
    provider,
    env,
    write: async (name, value) => {
      const file = join(folder, name);
      await writeFile(
        file,
        typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value),
      );
      return file;
    },
    start,
    cli: (args, more) => start(args, more).ended,
    startRun,
    run: (...call) => startRun(...call).ended,
  };
}

/** The environment of a user, here or on another machine, who has started nothing yet, on the same Temporal server. */
export async function otherUser(
  t: TestContext,
  server: TestServer,
  env: NodeJS.ProcessEnv,
): Promise<NodeJS.ProcessEnv> {
  const home = await createTestHome();
  t.after(() => rm(home, { recursive: true, force: true }));
  return { ...env, DURABATCH_HOME: home, TEMPORAL_ADDRESS: server.address };
}

/** `count` prompts with texts of their own. */
export const promptTexts = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `Question number ${index + 1}?`);

/** The only results file of an output folder. */
export async function readResults(outputDir: string): Promise<BatchResults> {
  return JSON.parse(await readFile(await onlyFile(outputDir, '.json'), 'utf8')) as BatchResults;
}

/** The only CSV of an output folder, row by row. */
export async function readCsv(outputDir: string): Promise<Record<string, string>[]> {
  const text = await readFile(await onlyFile(outputDir, '.csv'), 'utf8');
  return parse(text, { columns: true, bom: true });
}

async function onlyFile(outputDir: string, extension: string): Promise<string> {
  const names = await reportFiles(outputDir, extension);
  if (names.length !== 1)
    throw new Error(`expected one ${extension} in ${outputDir}, found: ${names.join(', ')}`);
  return join(outputDir, names[0]!);
}

export const reportFiles = async (outputDir: string, extension: string): Promise<string[]> =>
  (await readdir(outputDir))
    .filter((name) => name.startsWith('batch_results_') && name.endsWith(extension))
    .sort();

/** The id of the only batch in an output folder. */
export async function batchIdIn(outputDir: string): Promise<string> {
  const ids = await batchIdsIn(outputDir);
  if (ids.length !== 1) throw new Error(`expected one batch in ${outputDir}, found: ${ids.join(', ')}`);
  return ids[0]!;
}

export const batchIdsIn = async (outputDir: string): Promise<string[]> =>
  (await readdir(outputDir, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort();

/**
 * The first `status --json` of a batch that is as wanted. One look is not enough: `status` waits for worker and server
 * for a second, and on a busy machine may have to do with what is written down. What is waited for must last.
 */
export const statusWhen = (
  { cli }: Pick<Workplace, 'cli'>,
  id: string,
  isWanted: (status: Record<string, any>) => boolean,
  flags: readonly string[] = [],
): Promise<Record<string, any>> =>
  firstOf(async () => {
    const { code, lines, stdout, stderr } = await cli(['status', id, ...flags, '--json']);
    if (code !== 0) throw new Error(`status ${id} ended with ${code}: ${stdout}${stderr}`);
    return lines.at(-1)!;
  }, isWanted);

/** Waits until what a command prints matches, as {@link statusWhen} does; returns what it printed then. */
export const printedWhen = async (
  { cli }: Pick<Workplace, 'cli'>,
  args: readonly string[],
  pattern: RegExp,
): Promise<string> =>
  (
    await firstOf(
      () => cli(args),
      ({ stdout }) => pattern.test(stdout),
      `"${args.join(' ')}" to print ${pattern}`,
    )
  ).stdout;

export const manifestIn = async (
  { outputDir }: Pick<Workplace, 'outputDir'>,
  id: string,
): Promise<Manifest> => JSON.parse(await readFile(join(outputDir, id, 'batch.json'), 'utf8')) as Manifest;

/** All whole records of a batch's ledger. */
export async function readLedger(batchFolder: string): Promise<LedgerRecord[]> {
  const records: LedgerRecord[] = [];
  const folder = join(batchFolder, 'ledger');
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.jsonl')) continue;
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
    // What has no line break behind it is torn.
    for (const line of lines.slice(0, -1)) records.push(JSON.parse(line) as LedgerRecord);
  }
  return records;
}

/** Stops the embedded server and removes its database: what it knew is gone. */
export async function loseTemporalDatabase(place: Workplace, { home }: TestServer): Promise<void> {
  const { code, stderr } = await place.cli(['server', 'stop']);
  if (code !== 0) throw new Error(`the server did not stop: ${stderr}`);
  const files = (await readdir(home)).filter((name) => name.startsWith('temporal.db'));
  if (files.length === 0) throw new Error(`no database in ${home}`);
  for (const name of files) await rm(join(home, name));
}

/** The results file that was written last: of this batch, or of the only one. Two batches may end in the same second. */
export async function newestResults(outputDir: string, batchId = ''): Promise<BatchResults> {
  const name = (await reportFiles(outputDir, '.json')).findLast((each) => each.includes(batchId));
  if (name === undefined) throw new Error(`no results in ${outputDir}`);
  return JSON.parse(await readFile(join(outputDir, name), 'utf8')) as BatchResults;
}

/** Holds back every answer whose script waits for it. */
export function createGate(): { script: () => Promise<undefined>; open: () => void } {
  let open!: () => void;
  const opened = new Promise<undefined>((resolve) => (open = () => resolve(undefined)));
  return { script: () => opened, open };
}
