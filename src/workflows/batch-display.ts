import { setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import type { BatchInput, BatchOutcome, Progress } from '../contract.ts';
import { detailsOf } from './batch-details.ts';
import { memoOf } from './web-ui.ts';

/** The current details are rendered at most this often. */
const DETAILS_EVERY_MS = 2000;

/** Keeps the Web UI's page of the batch, and the memo that outlives its workers, up to date. */
export interface BatchDisplay {
  /** The state has changed: noted in the history. */
  transition(): void;
  /** The numbers have changed: shown now and then, and never noted. */
  tick(): void;
}

export function createBatchDisplay(
  batch: BatchInput,
  progress: () => Progress,
  outcome: () => BatchOutcome | null,
): BatchDisplay {
  let shownAt = 0;
  const showDetails = (): void => {
    shownAt = Date.now();
    setCurrentDetails(detailsOf(batch, progress(), outcome()));
  };
  return {
    transition: () => {
      upsertMemo(memoOf(batch, progress(), outcome()));
      showDetails();
    },
    tick: () => {
      if (Date.now() - shownAt >= DETAILS_EVERY_MS) showDetails();
    },
  };
}
