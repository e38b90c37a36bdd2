/** `batch.json`: what a batch is, and how its runs went. Field names as users read them. */
import { z } from 'zod';
import type { BatchOutcome, BatchSettings, Pause, StoreLocation } from '../contract.ts';

export const MANIFEST_FILE = 'batch.json';

export interface ManifestRun {
  run: number;
  started_at: string;
  limits: BatchSettings['limits'];
  /** Absent while the run is open, or if it was lost. */
  ended_at?: string;
  outcome?: BatchOutcome;
}

export interface Manifest {
  format: 1;
  batch_id: string;
  batch_name: string;
  description: string | null;
  /** The input file's name, as given. */
  source: string | null;
  metadata: Record<string, unknown>;
  created_at: string;
  store_uuid: string;
  input_hash: { version: 1; sha256: string };
  prompts: number;
  shard_size: number;
  shards: number;
  /** Most completions any prompt asks for: the CSV's completion columns. */
  max_completions: number;
  settings: BatchSettings['request'];
  /** Limits of the newest run. */
  limits: BatchSettings['limits'];
  runs: ManifestRun[];
  versions: { durabatch: string; prices: string };
  /** Earlier batches whose answers to identical requests are taken over before a run starts. */
  reuse: string[];
  /** An accepted pause that no resume has lifted: it outlives a lost Temporal database. */
  pause: Pause | null;
}

/** Loose on purpose: it tells a manifest from a foreign file; the writer is this project alone. */
export const manifestSchema = z.looseObject({
  format: z.literal(1),
  batch_id: z.string(),
  store_uuid: z.string(),
  prompts: z.number(),
  shards: z.number(),
  runs: z.array(z.looseObject({ run: z.number() })),
}) as unknown as z.ZodType<Manifest>;

export type { StoreLocation };
