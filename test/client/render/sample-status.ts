import type { BatchStatus } from '../../../src/client/render/status-text.ts';
import { sampleProgress } from './sample-progress.ts';

/** A batch of 1,000 that was left at 412, and whatever a test wants otherwise. */
export const sampleStatus = (changes: Partial<BatchStatus> = {}): BatchStatus => ({
  id: 'demo-1',
  name: 'Demo',
  state: 'crashed',
  pause: null,
  counts: { total: 1000, pending: 588, running: 0, succeeded: 410, failed: 2, notRun: 0 },
  failuresByType: { 'Completion.Rejected': 2 },
  paid: sampleProgress().paid,
  simulated: false,
  outputDir: 'out',
  destination: null,
  folderHost: null,
  folderIsGone: false,
  startedAt: '2026-11-23T00:00:00.000Z',
  resultsFile: null,
  csvFile: null,
  failuresFile: null,
  runFlags: [],
  webUiUrl: null,
  waiting: null,
  account: null,
  limits: null,
  told: null,
  endedOutside: null,
  source: 'ledger-and-temporal',
  workerIsSilent: false,
  ...changes,
});
