/** Where a batch is kept, and how its prompts are dealt out to shards. */

/** Where a batch is kept. The UUID tells two stores apart that know a batch by the same id. */
export interface StoreLocation {
  kind: 'local';
  /** Absolute path of the output folder: the parent of the batch's own folder. */
  outputDir: string;
  uuid: string;
}

/** How a batch's prompts are dealt out to shards: those it began with, and those of each addition, to shards of their own. */
export interface BatchLayout {
  prompts: number;
  shards: number;
  /** Prompts of a shard; the last one of a part may have fewer. */
  shardSize: number;
  /** Prompts that it began with, and of each addition, in order. Default: nothing was added. */
  parts?: number[];
}

/** Prompts that wait beside the batch to be taken in. */
export interface Addition {
  /** Name of the folder in which they wait. */
  stage: string;
  /** Of the prompts as normalised, and the settings of their requests. */
  sha256: string;
}

/** Prompts a shard holds. */
export const SHARD_SIZE = 1000;

/** A local batch has a task queue of its own, so that no worker spends on a batch it was not asked for. */
export const taskQueueOf = (store: Pick<StoreLocation, 'uuid'>, batchId: string): string =>
  taskQueuePrefixOf(store) + batchId;

/** How the task queues of all batches of a store begin. */
export const taskQueuePrefixOf = ({ uuid }: Pick<StoreLocation, 'uuid'>): string => `durabatch-${uuid}-`;
