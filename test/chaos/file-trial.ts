/** A batch of which one file operation fails, and which is then continued to its end. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { auditBatch } from '../../src/client/audit/audit-batch.ts';
import { historiesOf } from '../../src/client/audit/histories.ts';
import { readWorkflowRecords } from '../../src/client/audit/workflow-receipts.ts';
import { connectTemporalIfRunning } from '../../src/client/connect/temporal.ts';
import { loadConfig } from '../../src/config.ts';
import type { BatchResults } from '../../src/report/results-json.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import { findOutputFolder } from '../../src/store/output-folder.ts';
import type { AnswerRecord } from '../../src/store/ledger/records.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type CliOptions, type CliResult, runCli, startCli } from '../support/cli.ts';
import type { FileFault, PlannedFault } from './file-fault.ts';
import type { FileEvidence } from './file-verdict.ts';
import { readLedger } from './read-ledger.ts';

export const TRIAL_PROMPTS = 20;
export const TRIAL_COMPLETIONS = 2;

const preload = pathToFileURL(fileURLToPath(new URL('file-faults.mjs', import.meta.url))).href;
const MAX_CONTINUATIONS = 3;
/** So that requests are in flight at a death. */
const LATENCY_MS = 30;
const COMMAND_TIMEOUT_MS = 300_000;

export interface FileTrial {
  /** What happened, one line each, the faulted command's output last. */
  story: string[];
  evidence: FileEvidence;
  /** Names of the file operations of the first command, in order. */
  operations: string[];
}

/** Continues a batch as far as it goes. */
export type Continuation = (outputDir: string, id: string, options: CliOptions) => Promise<CliResult>;

const resume: Continuation = (outputDir, id, options) =>
  runCli(['resume', id, '--output-dir', outputDir], options);

/** A worker that is stopped as soon as it has done the batch. */
export const workThrough: Continuation = async (outputDir, id, options) => {
  const worker = startCli(['worker', '--output-dir', outputDir], options);
  await worker.said(new RegExp(`${id}: done`));
  worker.kill('SIGTERM');
  return worker.ended;
};

/** `home`: the DURABATCH_HOME with the server; `folder` is made, and holds all that there is to look at. */
export async function runFileTrial(
  env: NodeJS.ProcessEnv,
  base: string,
  fault: PlannedFault,
  continueBatch = resume,
): Promise<FileTrial> {
  const folder = await mkdtemp(join(base, `trial-${fault.at}-${fault.kind.replace(' ', '-')}-`));
  const [outputDir, file, trace] = [join(folder, 'out'), join(folder, 'prompts.json'), join(folder, 'trace')];
  const id = folder.slice(base.length + 1).toLowerCase();
  const prompts = Array.from({ length: TRIAL_PROMPTS }, (_, index) => `Question ${index + 1}?`);
  await mkdir(outputDir);
  await writeFile(file, JSON.stringify(prompts));
  await writeFile(trace, '');
  const provider = await startFakeProvider({ honourN: false, latencyMs: LATENCY_MS });
  try {
    const plan: FileFault = { ...fault, root: outputDir, trace };
    const run = [
      ...['run', file, '--provider', 'openai', '--model', 'gpt-4o-mini', '--base-url', provider.baseUrl],
      ...['--output-dir', outputDir, '--id', id, '--completions', String(TRIAL_COMPLETIONS)],
      ...['--max-workers', '7'],
    ];
    const story: string[] = [];
    const tell = (what: string, { code, signal, stderr, stdout }: CliResult): void =>
      void story.push(
        `${what}: ${code ?? signal}: ${(stderr || stdout).trim().split('\n').slice(-2).join(' | ')}`,
      );
    const options = { env, cwd: folder, timeoutMs: COMMAND_TIMEOUT_MS };
    let last = await runCli(run, {
      ...options,
      env: { ...env, NODE_OPTIONS: `--import ${preload}`, DURABATCH_FILE_FAULT: JSON.stringify(plan) },
    });
    tell('run', last);
    const wasKilled = last.signal === 'SIGKILL';
    for (let again = 0; last.code !== 0 && again < MAX_CONTINUATIONS; again++) {
      const isThere = existsSync(join(outputDir, id, 'batch.json'));
      last = isThere ? await continueBatch(outputDir, id, options) : await runCli(run, options);
      tell(isThere ? 'continued' : 'run', last);
    }
    const lines = readFileSync(trace, 'utf8').trim().split('\n');
    const evidence = await collectEvidence({ env, folder, outputDir, id, prompts, provider });
    return {
      story,
      evidence: { ...evidence, wasKilled, exitCode: last.code },
      operations: lines.filter((line) => /^\d/.test(line)).map((line) => line.split(' ')[1]!),
    };
  } finally {
    await provider.close();
  }
}

interface Place {
  env: NodeJS.ProcessEnv;
  folder: string;
  outputDir: string;
  id: string;
  prompts: readonly string[];
  provider: FakeProvider;
}

async function collectEvidence({
  env,
  folder,
  outputDir,
  id,
  prompts,
  provider,
}: Place): Promise<Omit<FileEvidence, 'wasKilled' | 'exitCode'>> {
  const records = await readLedger(join(outputDir, id, 'ledger')).catch(() => []);
  const copy = await readFile(join(outputDir, id, 'batch.json'), 'utf8')
    .then((text) => JSON.parse(text) as Manifest)
    .catch(() => null);
  const revisions = await readdir(join(outputDir, id, 'revisions')).catch((): string[] => []);
  const reportFile = copy?.runs.at(-1)?.outcome?.resultsFile;
  return {
    prompts,
    completions: TRIAL_COMPLETIONS,
    log: provider.requestsLog,
    answers: records.filter((record): record is AnswerRecord => record.type === 'answer'),
    report:
      reportFile === undefined ? null : (JSON.parse(await readFile(reportFile, 'utf8')) as BatchResults),
    copiedRevision: copy?.revision ?? null,
    newestRevision: Math.max(0, ...revisions.map((name) => Number.parseInt(name, 10) || 0)),
    ...(copy === null
      ? { audit: [`there is no batch in ${folder}`], hasEnded: false }
      : await auditOf(env, outputDir, id)),
  };
}

/** What an audit of ledger, report, manifest and workflow finds, in words. */
async function auditOf(
  env: NodeJS.ProcessEnv,
  outputDir: string,
  id: string,
): Promise<Pick<FileEvidence, 'audit' | 'hasEnded'>> {
  const temporal = await connectTemporalIfRunning(loadConfig(env, outputDir));
  if (!temporal) return { audit: ['the Temporal server does not run'], hasEnded: false };
  const store = new BatchStore(await findOutputFolder(outputDir), id, 'audit');
  try {
    const records = await readWorkflowRecords(historiesOf(temporal), store);
    const { differences, notes } = await auditBatch(store, records);
    const newest = (await store.readManifest()).runs.at(-1);
    const hasEnded = records.runs.some(({ run, outcome }) => run === newest?.run && outcome !== null);
    // A run whose start was killed is in the manifest, and no workflow knows of it.
    const unexpected = notes.filter((note) => !/^The workflow's receipts of run \d/.test(note));
    return { audit: [...differences.map(({ message }) => message), ...unexpected], hasEnded };
  } finally {
    await store.close();
    await temporal.close();
  }
}
