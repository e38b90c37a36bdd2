import { ApplicationFailure } from '@temporalio/common';
import type { BatchLayout } from '../core/batch-layout.ts';
import { failureTypes } from '../core/failure-types.ts';
import type { AdmitRequest } from '../core/prompt-task.ts';
import { AdditionOvertaken, takeInAddition } from '../store/additions.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { layoutOf } from '../store/manifest/manifest.ts';
import { asActivity } from './as-activity.ts';

export type AdmitPrompts = (request: AdmitRequest) => Promise<BatchLayout>;

/** Takes prompts in that wait beside the batch; tells how its prompts are dealt out from then on. */
export const createAdmitPrompts = ({ store }: { store: BatchStore }): AdmitPrompts =>
  asActivity(async ({ addition, control }) => {
    try {
      return layoutOf(await takeInAddition(store, addition, control));
    } catch (error) {
      if (!(error instanceof AdditionOvertaken)) throw error;
      throw ApplicationFailure.nonRetryable(error.message, failureTypes.additionOvertaken);
    }
  });
