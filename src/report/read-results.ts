import { readReport, ReportError } from './read-report.ts';
import type { BatchResult } from './results-json.ts';
import type { ReportSummary } from './summary.ts';

/** The results of a results file one by one, in input order. Throws {@link ReportError}. */
export async function* readResults(file: string): AsyncGenerator<BatchResult, void, undefined> {
  for await (const { field, value } of readReport(file)) {
    if (field === 'results') yield value as BatchResult;
  }
}

/** Reads no further than the summary. Throws {@link ReportError}. */
export async function readSummary(file: string): Promise<ReportSummary> {
  for await (const { field, value } of readReport(file)) {
    if (field === 'summary') return value as ReportSummary;
  }
  throw new ReportError(`the report ${file} has no summary`);
}
