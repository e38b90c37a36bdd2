/** `batch.json`: what a batch is, and how its runs went. Field names as users read them. */
import type { BatchLayout, StoreLocation } from '../../core/batch-layout.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { BatchSettings } from '../../core/settings.ts';
import type { Pause } from '../../core/progress.ts';
import { shardName } from '../shard-name.ts';

export const MANIFEST_FILE = 'batch.json';
/** Of a thousand runs with all their failures. A larger file is not read: to parse one takes seconds, of every command in the output folder. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;

export interface ManifestRun {
  run: number;
  started_at: string;
  limits: BatchSettings['limits'];
  /** Which Temporal server it was started on, and by which process; absent in batches of before. */
  server?: string;
  starter?: string;
  /** SHA-256 of its price table, which is also the name of the table's file; absent in runs of before. */
  price_table?: string;
  /** In the order they were noted; absent where there were none, and in runs of version 0.1.0. */
  pauses?: PauseSpan[];
  /** Times in which it had no worker, each noted by the worker that came next; absent where there were none. */
  idle?: IdleSpan[];
  /** Absent while the run is open, or if it was lost. */
  ended_at?: string;
  outcome?: BatchOutcome;
}

/** When a run was paused, ISO 8601. Without `until`: to the run's end, or still. */
export interface PauseSpan {
  since: string;
  until?: string;
}

/** When an open run had no worker, ISO 8601. */
export interface IdleSpan {
  since: string;
  until: string;
}

/** Prompts that were added to a batch after it was made. */
export interface ManifestAddition {
  sha256: string;
  prompts: number;
  /** Part of the names of its prompt files, see {@link promptsFileOf}; absent where version 0.1.0 added them. */
  stage?: string;
  /** As {@link Manifest.source}. */
  source: string | null;
  added_at: string;
  /** Who added them, as `ann@laptop`. */
  by: string | null;
  reason: string | null;
}

/** Which answers to identical requests are taken over instead of being bought. */
export interface ReusePolicy {
  /** From all batches of the output folder; else only from those that are named. */
  folder: boolean;
  /** Only answers that are no older than this; `null`: however old. */
  since_ms: number | null;
  /** Complete answers to the same request with a smaller token limit too. */
  longer: boolean;
}

export interface Manifest {
  format: 1;
  /** Number of this revision, from 1; absent in batches of version 0.1.0. */
  revision?: number;
  batch_id: string;
  batch_name: string;
  description: string | null;
  /** The input file's name, as given. */
  source: string | null;
  metadata: Record<string, unknown>;
  created_at: string;
  store_uuid: string;
  input_hash: { version: number; sha256: string };
  /** In all: with those that were added. */
  prompts: number;
  shard_size: number;
  shards: number;
  /** Most completions any prompt asks for: the CSV's completion columns. */
  max_completions: number;
  /** In order; absent while nothing was added. The input hash stays that of what the batch was made from. */
  additions?: ManifestAddition[];
  settings: BatchSettings['request'];
  /** Limits of the newest run. */
  limits: BatchSettings['limits'];
  runs: ManifestRun[];
  versions: { durabatch: string; prices: string };
  /** Batches named by the user whose answers to identical requests are taken over before a run starts, before all others. */
  reuse: string[];
  /** Which other answers are taken over; absent in batches of version 0.1.0. */
  reuse_policy?: ReusePolicy;
  /** An accepted pause that no resume has lifted: it outlives a lost Temporal database. */
  pause: Pause | null;
}

export function layoutOf({ prompts, shards, shard_size: shardSize, additions = [] }: Manifest): BatchLayout {
  if (additions.length === 0) return { prompts, shards, shardSize };
  const added = additions.map((addition) => addition.prompts);
  const first = prompts - added.reduce((sum, count) => sum + count, 0);
  return { prompts, shards, shardSize, parts: [first, ...added] };
}

/**
 * Name of a shard's prompt file. Files of an addition are named after the stage they came from, so that no process can
 * put them in the place of another addition's.
 */
export function promptsFileOf({ shards, shard_size, additions = [] }: Manifest, shard: number): string {
  let first = shards;
  const addition = additions.findLast(({ prompts }) => {
    first -= Math.ceil(prompts / shard_size);
    return shard >= first;
  });
  return promptsFileName(shard, addition?.stage);
}

export const promptsFileName = (shard: number, stage?: string): string =>
  `${shardName(shard)}${stage === undefined ? '' : `-${stage}`}.jsonl`;

export type { StoreLocation };
