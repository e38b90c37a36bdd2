/** The engine and nothing else: a lane per slot, four children of 250 prompts at a time. */
import { executeChild, proxyActivities } from '@temporalio/workflow';
import type { BareActivities } from './run.ts';

const CHILDREN_AT_A_TIME = 4;
const PROMPTS_PER_CHILD = 250;

const { answerPrompt } = proxyActivities<BareActivities>({ startToCloseTimeout: '20 minutes' });

export async function bareParent(prompts: number, slots: number): Promise<void> {
  let next = 0;
  const feed = async (lanes: number): Promise<void> => {
    while (next < prompts) {
      const from = next;
      next = Math.min(prompts, from + PROMPTS_PER_CHILD);
      await executeChild(bareChild, { args: [from, next, lanes] });
    }
  };
  const shares = Array.from({ length: CHILDREN_AT_A_TIME }, (_, position) =>
    Math.floor((slots + position) / CHILDREN_AT_A_TIME),
  );
  await Promise.all(shares.filter((lanes) => lanes > 0).map(feed));
}

export async function bareChild(from: number, to: number, lanes: number): Promise<void> {
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < to) await answerPrompt(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
