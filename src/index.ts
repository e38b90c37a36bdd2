/** The TypeScript API: batches from a program instead of from the command line. */
export { BatchProcessor } from './client/batch-processor.ts';
export type { BatchHandle, ProcessOptions, PromptInput, PromptInputs } from './client/batch-processor.ts';
export type { BatchProgress } from './client/batch-progress.ts';
export { BatchInterruptedError, BatchPausedError } from './client/batch-errors.ts';
export type { BatchProcessorOptions } from './client/processor-options.ts';
export { InputError } from './client/input/input-error.ts';
export { ReportError } from './report/read-report.ts';
export { UsageError } from './client/options/usage-error.ts';
export type {
  Counts,
  Message,
  Paid,
  Pause,
  PauseReason,
  Progress,
  ProviderName,
  RunState,
  Usage,
} from './contract.ts';
export type { BatchResult, BatchResults } from './report/results-json.ts';
export type { ReportSummary } from './report/summary.ts';
