import { resolve } from 'node:path';
import { makeFolder, syncFolder } from '../system/files/sync-folder.ts';
import type { AtomicFile } from './atomic-file.ts';
import { FileWriteError, toFileWriteError } from './file-write-error.ts';
import type { MoneySum } from '../core/money.ts';
import type { ReportSource } from './report-source.ts';
import { discardAll, reserveFiles, type ReservedFiles } from './reserve-files.ts';
import { toInputLine } from './failed-prompt.ts';
import { csvHead, csvRow, type CsvShape } from './results-csv.ts';
import { jsonHead, jsonMiddle, jsonPossiblyPaid, jsonResult, jsonTail } from './results-json.ts';
import { checkComplete, toSummary, type ReportSummary } from './summary.ts';
import { counted, emptyTally, totalItems, type Tally } from './tally/tally.ts';
import { SHARED_FOLDER } from '../system/files/private-mode.ts';
import { commandLine, idWord } from '../core/command-line.ts';

export interface WrittenReports {
  /** Absolute path. */
  resultsFile: string;
  /** Absolute path. */
  csvFile: string;
  /** Absolute path; `null` if no prompt failed. */
  failuresFile: string | null;
  summary: ReportSummary;
  /** What the summary was made of. */
  tally: Tally;
}

/**
 * One pass, so that the summary, the JSON and the CSV tell of the same moment even while the
 * ledger grows.
 */
const writeOutcomes = async (source: ReportSource, files: ReservedFiles): Promise<Tally> => {
  const { max_completions, settings } = source.manifest;
  const simulated = settings.provider === 'simulated';
  const shape: CsvShape = { completions: max_completions, simulated };
  let tally = emptyTally;
  await files.csv.write(csvHead(shape));
  for await (const outcome of source.outcomes()) {
    await files.results.write(jsonResult(outcome, simulated, totalItems(tally) === 0));
    await files.csv.write(csvRow(outcome, shape));
    const firstPossiblyPaid = requestsOf(tally.bill.possiblyPaid) === 0;
    await files.possiblyPaid.write(jsonPossiblyPaid(outcome, firstPossiblyPaid));
    if (outcome.status === 'failed') await files.failures.write(toInputLine(outcome.item));
    tally = counted(tally, outcome, settings.model);
  }
  checkComplete(source, tally);
  return tally;
};

const requestsOf = ({ known, unknown }: MoneySum): number => known + unknown;

const writeJson = async (
  { json, possiblyPaid, results }: ReservedFiles,
  source: ReportSource,
  summary: ReportSummary,
): Promise<void> => {
  await json.write(jsonHead(summary, source.manifest));
  for await (const chunk of possiblyPaid.read()) await json.write(chunk);
  await json.write(jsonMiddle);
  for await (const chunk of results.read()) await json.write(chunk);
  await json.write(jsonTail);
  await possiblyPaid.discard();
  await results.discard();
};

/** The results file comes last: where it is, the others are too. */
const publish = async (
  { json, csv, failures }: ReservedFiles,
  anyFailed: boolean,
  folder: string,
): Promise<void> => {
  const files = anyFailed ? [csv, failures, json] : [csv, json];
  for (const file of files) await file.seal();
  for (const file of files) await file.publish();
  if (!anyFailed) await failures.discard();
  await inFolder(folder, syncFolder);
};

const inFolder = async (folder: string, work: (folder: string) => Promise<void>): Promise<void> => {
  try {
    await work(folder);
  } catch (error) {
    throw toFileWriteError(error, folder);
  }
};

const writeFiles = async (source: ReportSource, folder: string): Promise<WrittenReports> => {
  await inFolder(folder, async (path) => void (await makeFolder(path, SHARED_FOLDER)));
  const files = await reserveFiles(folder, source.timestamp, source.manifest.batch_id);
  try {
    const tally = await writeOutcomes(source, files);
    const anyFailed = tally.failed > 0;
    const paths = {
      resultsFile: files.json.path,
      csvFile: files.csv.path,
      failuresFile: anyFailed ? files.failures.path : null,
    };
    const summary = toSummary({ ...source, state: source.stateOf?.(tally) ?? source.state }, tally, paths);
    await writeJson(files, source, summary);
    await publish(files, anyFailed, folder);
    return { ...paths, summary, tally };
  } catch (error) {
    await discardAll(Object.values(files) as AtomicFile[], error);
    throw error;
  }
};

/**
 * Writes `batch_results_YYYYMMDD_HHMMSS_<batch id>.json` and `.csv` into `folder`, which is made if need be,
 * and the prompts that failed, as a file to run, into `…_failures.jsonl`. Either all are there at the end, or, after an error, none and nothing else.
 */
export const writeReports = async (source: ReportSource, folder: string): Promise<WrittenReports> => {
  try {
    return await writeFiles(source, resolve(folder));
  } catch (error) {
    if (!(error instanceof FileWriteError)) throw error;
    const { batch_id } = source.manifest;
    const message = `${error.message}. No answer is lost: "${commandLine`durabatch report ${idWord(batch_id)}`}" (with --to FOLDER: elsewhere) writes the reports from the ledger.`;
    throw new FileWriteError(message, error.code, error);
  }
};
