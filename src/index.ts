/** The TypeScript API: batches from a program instead of from the command line. */
export { BatchProcessor } from './client/api/batch-processor.ts';
export type { BatchHandle, ProcessOptions, PromptInput, PromptInputs } from './client/api/batch-processor.ts';
export type { BatchProgress } from './client/api/batch-progress.ts';
export { BatchInterruptedError, BatchPausedError } from './client/api/batch-errors.ts';
export type { BatchProcessorOptions } from './client/api/processor-options.ts';
export { InputError } from './input/input-error.ts';
export { ReportError } from './report/read-report.ts';
export { UsageError } from './client/usage-error.ts';
export type { Counts, Pause, PauseReason, Progress, RunState } from './core/progress.ts';
export type { Message } from './core/prompt.ts';
export type { Paid, Usage } from './core/receipt.ts';
export type { ProviderName } from './core/settings.ts';
export type { BatchResult, BatchResults } from './report/results-json.ts';
export type { ReportSummary } from './report/summary.ts';
