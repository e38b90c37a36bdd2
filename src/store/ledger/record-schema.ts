/**
 * What a ledger record may say. A ledger may come from elsewhere, so every field that is computed with or shown has a type
 * and a range here; fields that later versions add are let through.
 */
import * as z from 'zod';
import type { Price } from '../../core/settings.ts';
import type { Usage } from '../../core/receipt.ts';
import type { LedgerRecord } from './records.ts';

/** As many as a manifest's `max_completions`. */
const MAX_SAMPLE = 1_000_000;

const time = z.string().refine((value) => !Number.isNaN(Date.parse(value)), 'expected a time');
/** Integers that a double holds exactly: `z.int` knows no others. */
const count = z.int().min(0);
const sample = z.int().min(1).max(MAX_SAMPLE);
/** Integer nano-USD; `null`: unknown. */
const cost = count.nullable();
const nullableText = z.string().nullable().default(null);
const milliseconds = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

const key = {
  ...{ id: z.string(), at: time },
  ...{ index: count, run: count, turn: count, attempt: count },
};
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isAmount = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'number' && value >= 0 && value < Infinity);

/** These two are checked by hand, which takes a third of the time: a large batch has hundreds of thousands. */
const usage = z.custom<Usage>((value) => {
  const { prompt, completion, total, cached, reasoning } = (value ?? {}) as Partial<Usage>;
  return [prompt, completion, total, cached, reasoning].every(isCount);
}, 'expected token counts');
const PRICE_SOURCES: readonly unknown[] = [
  'user',
  'table',
  'simulated',
  'provider',
] satisfies Price['source'][];
const price = z.custom<Price>((value) => {
  const { inputPerMillion, cachedPerMillion, outputPerMillion, source, tier } = (value ??
    {}) as Partial<Price>;
  const areAmounts = [inputPerMillion, cachedPerMillion, outputPerMillion].every(isAmount);
  return areAmounts && PRICE_SOURCES.includes(source) && (tier === undefined || typeof tier === 'string');
}, 'expected a price');
const reused = z.looseObject({
  ...{ batchId: z.string(), answer: z.string(), sample: sample.optional(), at: time.optional() },
  maxTokens: z.number().optional(),
  ...{ usage: usage.nullable(), costNanoUsd: cost },
});

const recordSchema = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('start'),
    ...key,
    samples: z.array(sample),
    worker: z.string(),
    worstCostNanoUsd: cost,
    raise: z.number().min(1).optional(),
    requestTimeoutMs: milliseconds.optional(),
  }),
  z.looseObject({
    type: z.literal('answer'),
    ...key,
    start: z.string(),
    choices: z.array(
      z.looseObject({ sample, text: z.string(), reasoning: z.string().optional(), finishReason: z.string() }),
    ),
    usage: usage.nullable(),
    doubtfulUsage: usage.optional(),
    costNanoUsd: cost,
    // Negative where cached input is dearer.
    cacheSavingNanoUsd: z.int().nullable().default(null),
    price: price.nullable().default(null),
    latencyMs: milliseconds.default(0),
    model: z.string().default(''),
    requestId: nullableText,
    reused: reused.optional(),
  }),
  z.looseObject({
    type: z.literal('fault'),
    ...key,
    start: z.string(),
    failure: z.string(),
    status: z.int().nullable().default(null),
    message: z.string(),
    requestId: nullableText,
    retryDelayMs: milliseconds.nullable().default(null),
    // What may have been paid counts.
    possiblyPaid: z.boolean().default(true),
  }),
  z.looseObject({
    type: z.literal('settled'),
    ...key,
    status: z.enum(['succeeded', 'failed']),
    answers: z.array(z.string()),
    error: z.looseObject({ type: z.string(), message: z.string(), attempts: count }).optional(),
  }),
  z.looseObject({ type: z.literal('reopened'), ...key }),
]);

/** `null`: the value is no ledger record. What an older version left out is filled in. */
export const toRecord = (value: unknown): LedgerRecord | null =>
  (recordSchema.safeParse(value).data as LedgerRecord | undefined) ?? null;
