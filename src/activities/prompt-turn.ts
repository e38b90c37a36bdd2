import type { PromptTask } from '../core/prompt-task.ts';
import type { RunLimits } from '../core/settings.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { Manifest } from '../store/manifest/manifest.ts';
import { StoreError } from '../store/store-error.ts';
import { abortableSleep } from '../system/abortable-sleep.ts';
import { retryIn } from './failures.ts';

/** A task with the limits that hold for it. */
export type PromptTurn = PromptTask & { limits: RunLimits };

/** One look at the manifest a second is enough for all prompts of a process. */
const RECENT_MS = 1000;
const LOOK_AGAIN_MS = 20;
/** A note in the manifest that is on its way is there within this time; else the prompt goes back to its batch. */
const LONGEST_WAIT_MS = 1000;

/** How often a prompt goes back to a batch that its manifest calls paused, before that is taken for a fault of the store. */
const MAX_PUT_BACK = 30;
/** Of a task whose run is not the newest one: a start that found the batch open withdraws its own run. */
const MAX_OVERTAKEN = 10;
const OVERTAKEN_DELAY_MS = 1000;

/** The limits are the manifest's, which only commands of this tool write: a task comes from whoever reaches the Temporal server. */
export async function toTurn(store: BatchStore, task: PromptTask): Promise<PromptTurn> {
  return { ...task, limits: (await store.recentManifest(RECENT_MS)).limits };
}

/** What an attempt knows of its task. */
export interface Scheduled {
  /** Which attempt it is, from 1. */
  attempt: number;
  /** When the workflow scheduled it, in ms since 1970, by the server's clock. */
  scheduledAt: number;
}

/**
 * Whether a turn may start to buy. False: the batch was paused before the task was scheduled, so no workflow of it can
 * have wanted that, or has heard of its resume sooner than the manifest. Throws where the run is not the newest one,
 * or has ended.
 */
export async function mayBuy(
  store: BatchStore,
  { run, turn, since = turn }: PromptTask,
  { attempt, scheduledAt }: Scheduled,
  signal: AbortSignal,
): Promise<boolean> {
  const look = async (maxAgeMs: number): Promise<Hindrance | null> =>
    hindranceOf(await store.recentManifest(maxAgeMs), run, scheduledAt);
  let hindrance = await look(RECENT_MS);
  const endsAt = performance.now() + LONGEST_WAIT_MS;
  for (let maxAgeMs = 0; hindrance !== null; maxAgeMs = LOOK_AGAIN_MS) {
    hindrance = await look(maxAgeMs);
    if (hindrance === null || signal.aborted || performance.now() > endsAt) break;
    await abortableSleep(LOOK_AGAIN_MS, signal);
  }
  if (hindrance === null) return true;
  if (hindrance === 'over') {
    const message = `run ${run} of the batch has ended, or another one has begun`;
    if (attempt < MAX_OVERTAKEN) throw retryIn(OVERTAKEN_DELAY_MS, 'Run.Overtaken', message);
    throw new StoreError(`${store.folder}: batch.json says that ${message}`);
  }
  if (turn - since >= MAX_PUT_BACK)
    throw new StoreError(
      `${store.folder}: batch.json says that the batch is paused, as its resume could not be noted there`,
    );
  return false;
}

type Hindrance = 'paused' | 'over';

/** What was scheduled before the pause is in progress, and may finish. */
function hindranceOf({ runs, pause }: Manifest, run: number, scheduledAt: number): Hindrance | null {
  const newest = runs.at(-1);
  if (newest?.run !== run || newest.outcome) return 'over';
  return pause && scheduledAt > Date.parse(pause.since) ? 'paused' : null;
}
