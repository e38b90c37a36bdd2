import { ApplicationFailure } from '@temporalio/common';
import type { Addition, BatchLayout } from '../core/batch-layout.ts';
import type { ControlNote } from '../core/progress.ts';
import { AdditionOvertaken, takeInAddition } from '../store/additions.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { layoutOf } from '../store/manifest/manifest.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';

export type AdmitPrompts = (
  batchId: string,
  addition: Addition,
  control: ControlNote,
) => Promise<BatchLayout>;

/** Takes prompts in that wait beside the batch; tells how its prompts are dealt out from then on. */
export function createAdmitPrompts({ store }: { store: BatchStore }): AdmitPrompts {
  return (_batchId, addition, control) =>
    heartbeating(async () => layoutOf(await takeInAddition(store, addition, control))).catch(
      (error: unknown) => {
        if (error instanceof AdditionOvertaken)
          throw ApplicationFailure.create({
            type: 'Addition.Overtaken',
            message: error.message,
            nonRetryable: true,
          });
        throw toActivityFailure(error);
      },
    );
}
