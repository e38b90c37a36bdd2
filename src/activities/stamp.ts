import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { PromptTask } from '../core/prompt-task.ts';

/** What every ledger record of an attempt begins with. */
export const stamp = (now: () => Date, { index, run, turn }: PromptTask) => ({
  id: randomUUID(),
  at: now().toISOString(),
  index,
  run,
  turn,
  attempt: Context.current().info.attempt,
});
