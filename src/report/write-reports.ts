import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { syncFolder } from './atomic-file.ts';
import { FileWriteError, toFileWriteError } from './file-write-error.ts';
import type { ReportSource } from './report-source.ts';
import { discardAll, reserveFiles, type ReservedFiles } from './reserve-files.ts';
import { csvHead, csvRow, type CsvShape } from './results-csv.ts';
import { jsonHead, jsonResult, jsonTail } from './results-json.ts';
import { checkComplete, toSummary, type ReportSummary } from './summary.ts';
import { counted, emptyTally, totalItems, type Tally } from './tally.ts';

export interface WrittenReports {
  /** Absolute path. */
  resultsFile: string;
  /** Absolute path. */
  csvFile: string;
  summary: ReportSummary;
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
    tally = counted(tally, outcome, settings.model);
  }
  checkComplete(source, tally);
  return tally;
};

const writeJson = async (
  { json, results }: ReservedFiles,
  source: ReportSource,
  summary: ReportSummary,
): Promise<void> => {
  await json.write(jsonHead(summary, source.manifest));
  for await (const chunk of results.read()) await json.write(chunk);
  await json.write(jsonTail);
  await results.discard();
};

/** The results file comes last: where it is, the CSV is too. */
const publish = async ({ json, csv }: ReservedFiles, folder: string): Promise<void> => {
  await csv.seal();
  await json.seal();
  await csv.publish();
  await json.publish();
  await syncFolder(folder);
};

const makeFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw toFileWriteError(error, folder);
  }
};

const writeFiles = async (source: ReportSource, folder: string): Promise<WrittenReports> => {
  await makeFolder(folder);
  const files = await reserveFiles(folder, source.timestamp);
  try {
    const paths = { resultsFile: files.json.path, csvFile: files.csv.path };
    const summary = toSummary(source, await writeOutcomes(source, files), paths);
    await writeJson(files, source, summary);
    await publish(files, folder);
    return { ...paths, summary };
  } catch (error) {
    await discardAll([files.json, files.csv, files.results], error);
    throw error;
  }
};

/**
 * Writes `batch_results_YYYYMMDD_HHMMSS.json` and `.csv` into `folder`, which is made if need be.
 * Either both are there at the end, or, after an error, neither and nothing else.
 */
export const writeReports = async (source: ReportSource, folder: string): Promise<WrittenReports> => {
  try {
    return await writeFiles(source, resolve(folder));
  } catch (error) {
    if (!(error instanceof FileWriteError)) throw error;
    const { batch_id } = source.manifest;
    const message = `${error.message}. No answer is lost: "durabatch report ${batch_id}" (with --to FOLDER: elsewhere) writes the reports from the ledger.`;
    throw new FileWriteError(message, error.code, error);
  }
};
