import { WorkflowNotFoundError } from '@temporalio/client';

/** A batch that has closed meanwhile need not be told anything any more: how it ended is seen next. */
export async function unlessClosed(tell: () => Promise<unknown>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
