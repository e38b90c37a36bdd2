import { setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { BatchInput } from '../../core/batch-input.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { Progress } from '../../core/progress.ts';
import { detailsOf } from './batch-details.ts';
import { presentAttributes } from './search-attributes.ts';
import { memoOf } from './web-ui.ts';

/** The current details are rendered at most this often. */
const DETAILS_EVERY_MS = 2000;

/**
 * Memo and search attributes cost an event each. Between transitions they are noted at most this often, and
 * in a long batch once per fiftieth of its age.
 */
const NOTED_EVERY_MS = 120_000;
const NOTES_OF_A_LIFE = 50;

/** Keeps the Web UI's page of the batch, and what outlives its workers there, up to date. */
export interface BatchDisplay {
  /** The state has changed: noted in the history. */
  transition(): void;
  /** The numbers have changed: shown now and then, and rarely noted. */
  tick(): void;
}

export function createBatchDisplay(
  batch: BatchInput,
  progress: () => Progress,
  outcome: () => BatchOutcome | null,
): BatchDisplay {
  const startedAt = Date.now();
  let shownAt = 0;
  let notedAt = 0;
  let noted = '';
  const showDetails = (): void => {
    shownAt = Date.now();
    setCurrentDetails(detailsOf(batch, progress(), outcome()));
  };
  const note = (): void => {
    notedAt = Date.now();
    const memo = memoOf(batch, progress(), outcome());
    const text = JSON.stringify(memo);
    if (text === noted) return;
    noted = text;
    upsertMemo(memo);
    if (batch.hasSearchAttributes) noteAttributes(progress());
  };
  const isNoteDue = (now: number): boolean =>
    now - notedAt >= Math.max(NOTED_EVERY_MS, (now - startedAt) / NOTES_OF_A_LIFE);

  return {
    transition: () => {
      note();
      showDetails();
    },
    tick: () => {
      const now = Date.now();
      if (isNoteDue(now)) note();
      if (now - shownAt >= DETAILS_EVERY_MS) showDetails();
    },
  };
}

/** What is as it was is worth no event. */
function noteAttributes(progress: Progress): void {
  const { typedSearchAttributes: noted } = workflowInfo();
  const changed = presentAttributes(progress).filter(({ key, value }) => (noted.get(key) ?? null) !== value);
  if (changed.length > 0) upsertSearchAttributes(changed);
}
