/** What is there to judge by when a chaos run is over. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchResults } from '../../src/report/results-json.ts';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import type { AnswerRecord } from '../../src/store/ledger/records.ts';
import { BATCH_ID } from './crew.ts';
import type { Field } from './field.ts';
import { readLedger } from './read-ledger.ts';
import type { Evidence } from './verdict.ts';

export async function collect(field: Field, exitCode: number | null, leftOver: string[]): Promise<Evidence> {
  const { options, prompts, provider, crew, kills, stops, outputDir } = field;
  const records = await readLedger(join(outputDir, BATCH_ID, 'ledger'));
  return {
    prompts,
    completions: options.completions,
    maxWorkers: options.maxWorkers,
    workers: options.workers,
    killsPlanned: options.kills,
    kills,
    stops,
    log: provider.requestsLog,
    bills: provider.bills,
    peakInFlight: provider.peakInFlight,
    answers: records.filter((record): record is AnswerRecord => record.type === 'answer'),
    report: await readReport(outputDir),
    exitCode,
    gaveUp: crew.gaveUp,
    leftOver,
  };
}

async function readReport(outputDir: string): Promise<BatchResults | null> {
  const path = (await readManifest(outputDir)).runs.at(-1)?.outcome?.resultsFile;
  return path === undefined ? null : (JSON.parse(await readFile(path, 'utf8')) as BatchResults);
}

const readManifest = async (outputDir: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(outputDir, BATCH_ID, 'batch.json'), 'utf8')) as Manifest;

/** Counts for a reader, one line each. */
export async function figuresOf(field: Field, evidence: Evidence, elapsedMs: number): Promise<string[]> {
  const { provider, outputDir, kills, stops } = field;
  const { log, answers, report, prompts, completions } = evidence;
  const { runs } = await readManifest(outputDir);
  const count = (outcome: string): number => log.filter((entry) => entry.outcome === outcome).length;
  const used = new Set(
    report?.results.flatMap((result) => result.completions.map(({ request_id: id }) => id)) ?? [],
  );
  const discarded = answers.filter(({ requestId }) => !used.has(requestId)).length;
  return [
    `${(elapsedMs / 1000).toFixed(0)} s, ${kills.length} kills, ${stops.length} stops, ${runs.length} runs`,
    `${log.length} requests: ${count('answered')} answered, ${count('refused')} refused, ${count('cut by provider')} cut by the provider, ${count('aborted by client')} left by the client (kills, silence)`,
    `${answers.length} answers in the ledger for ${prompts.length * completions} completions, ${discarded} of them discarded; peak ${provider.peakInFlight} in flight`,
  ];
}

/** For looking at what went wrong. */
export async function writeProviderLog({ folder, provider }: Field): Promise<void> {
  const lines = provider.requestsLog.map(
    ({ total, prompt, promptCount, body, startedAt, endedAt, status, outcome }) =>
      JSON.stringify({ total, prompt, promptCount, n: body['n'] ?? 1, startedAt, endedAt, status, outcome }),
  );
  await writeFile(join(folder, 'provider.log'), `${lines.join('\n')}\n`);
}
