/**
 * What a manifest may say. It may come from elsewhere, so every field that is used has a type, a range and a length here;
 * fields that later versions add are let through.
 */
import * as z from 'zod';
import { MAX_WORKERS, providerNames } from '../../core/settings.ts';
import { pauseReasonNames } from '../../core/progress.ts';
import { MAX_TEXT } from '../../core/shape.ts';
import { SHARD_SIZE } from '../../core/batch-layout.ts';
import { isPlainAddress } from '../../providers/plain-address.ts';
import { isBatchId } from '../../core/command-line.ts';
import type { Manifest } from './manifest.ts';

const MAX_PROMPTS = 100_000_000;
const MAX_RUNS = 100_000;
/** Of as many prompts as a batch can have, and one for each addition: whoever looks at a batch looks at all of them. */
const MAX_SHARDS = MAX_PROMPTS / SHARD_SIZE + MAX_RUNS;
const MAX_RUN = 1_000_000_000;

const text = (length: number) => z.string().max(length);
const nullableText = (length: number) => text(length).nullable();
const name = text(200);
const path = text(4096);
const time = z
  .string()
  .max(40)
  .refine((value) => !Number.isNaN(Date.parse(value)), 'expected a time');
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const amount = z.number().min(0);
const milliseconds = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
/** Compared with another one, and never computed with. */
const sha256 = z.string().max(100).regex(/^\w*$/, 'expected a hash');
/** Part of the name of a file. */
const fileHash = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256');
const uuid = z.string().regex(/^[0-9a-f-]{36}$/, 'expected a UUID');

/** As commands write it, whatever was typed; `''` for `simulated`. */
const address = text(2048).refine(
  (value) => value === '' || isPlainAddress(value),
  'expected an http or https address in its plain spelling, as https://api.example.com/v1',
);

const variable = z
  .string()
  .max(200)
  .regex(/^([A-Za-z_][A-Za-z0-9_]*)?$/, 'expected the name of a variable');

const settings = z.looseObject({
  provider: z.enum(providerNames),
  baseUrl: address,
  model: text(500),
  temperature: z.number(),
  topP: z.number(),
  maxTokens: count,
  completions: z.number().int().min(1).max(1_000_000),
  thinking: z.boolean(),
});

const limits = z.looseObject({
  maxWorkers: z.number().int().min(1).max(MAX_WORKERS),
  autoWorkers: z.boolean().optional(),
  account: z
    .looseObject({
      name: text(MAX_TEXT),
      requestsPerMinute: count.nullable(),
      tokensPerMinute: count.nullable(),
      setAt: z.number().optional(),
    })
    .nullish(),
  maxAttempts: count,
  requestTimeoutMs: milliseconds,
  idleTimeoutMs: milliseconds,
  patienceMs: milliseconds,
  rejectTruncated: z.boolean(),
  retryEmpty: z.boolean(),
  maxFailures: z
    .union([z.looseObject({ count }), z.looseObject({ share: z.number().min(0).max(1) })])
    .nullable(),
  maxCostNanoUsd: amount.nullable(),
  prices: z
    .looseObject({ inputPerMillion: amount, outputPerMillion: amount, cachedPerMillion: amount.optional() })
    .nullable(),
  apiKeyEnv: variable,
  simulateLatencyMs: milliseconds,
  simulateErrors: z.number().min(0).max(1),
});

const pause = z.looseObject({
  reason: z.enum(pauseReasonNames),
  message: text(20_000),
  since: time,
  by: text(MAX_TEXT).optional(),
  neededNanoUsd: amount.optional(),
  overcharged: z.literal(true).optional(),
});

const counts = z.looseObject({
  ...{ total: count, pending: count, running: count, succeeded: count, failed: count, notRun: count },
});

const paid = z.looseObject({
  usage: z.looseObject({ prompt: count, completion: count, total: count, cached: count, reasoning: count }),
  costNanoUsd: z.number().nullable(),
});

const outcomeAmount = z.looseObject({
  knownNanoUsd: z.string().regex(/^-?\d{1,40}$/, 'expected the digits of an integer'),
  known: count,
  unknown: count,
});

const outcome = z.looseObject({
  state: z.enum(['succeeded', 'partly_failed', 'cancelled']),
  counts,
  failuresByType: z.record(name, count).optional(),
  paid,
  ...{ resultsFile: path, csvFile: path, failuresFile: path.nullable() },
  durationSeconds: amount,
  pausedSeconds: amount.optional(),
  idleSeconds: amount.optional(),
  bill: z
    .looseObject({
      ...{ kept: outcomeAmount, discarded: outcomeAmount, possiblyPaid: outcomeAmount },
      ...{ cacheSaving: outcomeAmount, reasoningTokens: count, reused: count },
    })
    .optional(),
  failures: z
    .array(
      z.looseObject({
        type: name,
        count,
        examples: z.array(z.looseObject({ promptId: text(10_000), message: text(20_000) })).max(100),
      }),
    )
    .max(100)
    .optional(),
  warnings: z.array(text(20_000)).max(1000),
});

const span = z.looseObject({ since: time, until: time.optional() });

const run = z.looseObject({
  run: z.number().int().min(1).max(MAX_RUN),
  started_at: time,
  limits,
  server: text(500).optional(),
  starter: text(500).optional(),
  price_table: fileHash.optional(),
  pauses: z.array(span).max(MAX_RUNS).optional(),
  idle: z.array(span).max(MAX_RUNS).optional(),
  ended_at: time.optional(),
  outcome: outcome.optional(),
});

/** The next run is counted from the last one: two of one number would each answer for the other. */
const areAscending = (runs: readonly { run: number }[]): boolean =>
  runs.every(({ run: number }, at) => at === 0 || number > runs[at - 1]!.run);

const addition = z.looseObject({
  sha256,
  prompts: z.number().int().min(0).max(MAX_PROMPTS),
  // Part of the name of a file.
  stage: z
    .string()
    .max(100)
    .regex(/^[\w-]+$/, 'expected letters, digits and dashes')
    .optional(),
  source: nullableText(4096),
  added_at: time,
  by: nullableText(MAX_TEXT),
  reason: nullableText(20_000),
});

const looseManifest = z.looseObject({
  format: z.literal(1),
  revision: count.optional(),
  // The name of the folder is what counts.
  batch_id: text(10_000),
  batch_name: text(1_000_000),
  description: nullableText(1_000_000),
  source: nullableText(4096),
  // A record would lose a key named __proto__.
  metadata: z.custom<object>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected an object',
  ),
  created_at: time,
  store_uuid: uuid,
  input_hash: z.looseObject({ version: count, sha256 }),
  prompts: z.number().int().min(0).max(MAX_PROMPTS),
  shard_size: z.number().int().min(1).max(MAX_PROMPTS),
  shards: z.number().int().min(0).max(MAX_SHARDS),
  max_completions: z.number().int().min(1).max(1_000_000),
  additions: z.array(addition).max(MAX_RUNS).optional(),
  settings,
  limits,
  runs: z.array(run).max(MAX_RUNS).refine(areAscending, 'expected runs in ascending order'),
  versions: z.looseObject({ durabatch: name, prices: name }),
  reuse: z.array(z.string().refine(isBatchId, 'expected the id of a batch')).max(10_000),
  reuse_policy: z
    .looseObject({ folder: z.boolean(), since_ms: z.number().nullable(), longer: z.boolean() })
    .optional(),
  pause: pause.nullable(),
});

export const manifestSchema = looseManifest.superRefine((manifest, context) => {
  const { prompts, shards, shard_size: size, additions = [] } = manifest;
  const added = additions.map((each) => each.prompts);
  const parts = [prompts - added.reduce((sum, each) => sum + each, 0), ...added];
  const needed = parts.reduce((sum, part) => sum + Math.ceil(part / size), 0);
  if (parts.every((part) => part >= 0) && needed === shards) return;
  context.addIssue({
    code: 'custom',
    path: ['shards'],
    message: `expected ${needed} for ${prompts} prompts, got ${shards}`,
  });
}) as unknown as z.ZodType<Manifest>;
