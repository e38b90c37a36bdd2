import type { PromptTask, RunLimits } from '../contract.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { Manifest } from '../store/manifest.ts';
import { StoreError } from '../store/store-error.ts';

/** A task with the limits that hold for it. */
export type PromptTurn = PromptTask & { limits: RunLimits };

/**
 * Limits that a task leaves out are those its run began with. A task is as old as its first attempt: one that
 * waits to be retried hears of the patience, and of the account's limits, that were set meanwhile. Throws `StoreError`.
 */
export async function toTurn(store: BatchStore, task: PromptTask, attempt: number): Promise<PromptTurn> {
  const limits = task.limits ?? (await limitsOfRun(store, task.run));
  if (attempt === 1) return { ...task, limits };
  const { patienceMs, account = null } = (await store.readManifest()).limits;
  return { ...task, limits: { ...limits, patienceMs, account } };
}

async function limitsOfRun(store: BatchStore, run: number): Promise<RunLimits> {
  const known = limitsIn(await store.manifest(), run);
  if (known) return known;
  // What this process knows of the manifest may be older than the run.
  const read = limitsIn(await store.readManifest(), run);
  if (read) return read;
  throw new StoreError(`${store.folder}: batch.json has no run ${run}; was it replaced by an older one?`);
}

const limitsIn = ({ runs }: Manifest, run: number): RunLimits | undefined =>
  runs.findLast((each) => each.run === run)?.limits;
