/**
 * Which batches this user lets send a key where: with which prompts, settings, price tables and limits of what they may cost.
 * Kept in the state folder, so that no batch folder can say it of itself.
 */
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import * as z from 'zod';
import type { RunLimits } from '../../core/settings.ts';
import type { Destination } from '../../providers/destination.ts';
import { readRegularTextSync } from '../../system/files/regular-file.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import type { ChargedBy } from '../../worker/batch-worker.ts';
import { canonicalJson } from '../../store/prompts/canonical-json.ts';
import { replaceFile } from '../../system/files/replace-file.ts';
import { makeFolder } from '../../system/files/sync-folder.ts';
import { inHome } from '../../system/home.ts';
import { acquireProcessLock } from '../../system/process-lock.ts';

export type ApprovedBatch = Pick<BatchStore, 'location' | 'batchId'>;

/** Limits that decide what the same prompts may cost. */
export type Spending = Pick<
  RunLimits,
  'maxCostNanoUsd' | 'maxAttempts' | 'rejectTruncated' | 'retryEmpty' | 'prices'
>;

const approvalSchema = z.object({
  /** Of each part of the batch, by `promptsDigests`. */
  prompts: z.array(z.string()),
  /** Batches of other folders that answers may be taken from. */
  reuse: z.array(z.string()),
  /** SHA-256 of those that its runs may be charged by, besides the bundled one. */
  price_tables: z.array(z.string()),
  spending: z.object({
    maxCostNanoUsd: z.number().nullable(),
    maxAttempts: z.number(),
    rejectTruncated: z.boolean(),
    retryEmpty: z.boolean(),
    /** Each as canonical JSON. */
    prices: z.array(z.string()),
  }),
});
export type Approval = z.infer<typeof approvalSchema>;

const MAX_BYTES = 16 * 1024 * 1024;

const folderOf = (home: string): string => inHome(home, 'approvals');

/** One file for each batch, address and variable: approving one can never widen another. */
function fileOf(home: string, { location, batchId }: ApprovedBatch, destination: Destination): string {
  const { provider, baseUrl, apiKeyEnv } = destination;
  const name = JSON.stringify([location.uuid, batchId, provider, baseUrl, apiKeyEnv]);
  return join(folderOf(home), `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.json`);
}

/** What is approved of the batch; `null`: nothing, or an earlier version has noted it, without the prompts. */
export function readApproval(home: string, batch: ApprovedBatch, destination: Destination): Approval | null {
  try {
    return approvalSchema.parse(JSON.parse(readRegularTextSync(fileOf(home, batch, destination), MAX_BYTES)));
  } catch {
    // Whatever is wrong with it: what cannot be read approves nothing.
    return null;
  }
}

export interface NewApproval {
  prompts: readonly string[];
  spending: Spending;
  reuse?: readonly string[];
  priceTables?: readonly string[];
}

/** Remembers that the user has typed or confirmed this, beside what he has approved of the batch before. */
export const approve = (
  home: string,
  batch: ApprovedBatch,
  destination: Destination,
  { prompts, spending, reuse = [], priceTables = [] }: NewApproval,
): Promise<void> =>
  revise(home, batch, destination, (before) => ({
    prompts: union(before?.prompts, prompts),
    reuse: union(before?.reuse, reuse),
    price_tables: union(before?.price_tables, priceTables),
    spending: widest(before?.spending ?? null, spending),
  }));

/** Remembers tables that this user's own commands charge by. A batch of which nothing is approved stays that way. */
export const approvePriceTable = (
  home: string,
  batch: ApprovedBatch,
  destination: Destination,
  ...hashes: readonly string[]
): Promise<void> =>
  revise(
    home,
    batch,
    destination,
    (before) => before && { ...before, price_tables: union(before.price_tables, hashes) },
  );

const union = (before: readonly string[] = [], now: readonly string[]): string[] => [
  ...new Set([...before, ...now]),
];

/** One command at a time: of two that write at once, neither loses what the other one adds. */
async function revise(
  home: string,
  batch: ApprovedBatch,
  destination: Destination,
  change: (before: Approval | null) => Approval | null,
): Promise<void> {
  const isThere = (before: Approval | null, after: Approval | null): boolean =>
    after === null || (before !== null && canonicalJson(before) === canonicalJson(after));
  const known = readApproval(home, batch, destination);
  if (isThere(known, change(known))) return;
  const file = fileOf(home, batch, destination);
  const release = await acquireProcessLock(inHome(home, 'locks', basename(file, '.json')));
  try {
    const before = readApproval(home, batch, destination);
    const approval = change(before);
    if (isThere(before, approval)) return;
    await makeFolder(folderOf(home));
    const note = { batch_id: batch.batchId, store_uuid: batch.location.uuid, ...destination, ...approval };
    await replaceFile(file, `${JSON.stringify(note)}\n`);
  } finally {
    await release();
  }
}

/**
 * Whether all prompts of the batch, with its settings, are approved, each part once; `digests` are those of `promptsDigests`.
 * No two parts of a batch are the same: the ids of prompts differ.
 */
export const coversPrompts = (approval: Approval, digests: readonly string[]): boolean =>
  new Set(digests).size === digests.length && digests.every((digest) => approval.prompts.includes(digest));

/**
 * Whether the batch as it lies in its folder is approved: its prompts with its settings, and the price tables of the runs that
 * are not over. A run without a table of its own is charged by the bundled one.
 */
export const coversBatch = (
  approval: Approval | null,
  { runs }: Pick<Manifest, 'runs'>,
  digests: readonly string[],
): approval is Approval =>
  approval !== null && coversPrompts(approval, digests) && coversPrices(approval, runs);

export const coversPrices = ({ price_tables: approved }: Approval, runs: Manifest['runs']): boolean =>
  runs.every(
    ({ price_table: hash, outcome }) =>
      outcome !== undefined || hash === undefined || approved.includes(hash),
  );

/** Whether answers may be charged by this table, or by these prices that were typed. */
export const coversCharge = ({ price_tables: tables, spending }: Approval, by: ChargedBy): boolean =>
  'table' in by ? tables.includes(by.table) : spending.prices.includes(canonicalJson(by.prices));

/** Whether the batch cannot spend more by these limits than by the approved ones. Those that are `typed` now are approved. */
export function isWithin(
  limits: Spending,
  { spending: approved }: Approval,
  typed: Partial<Spending> = {},
): boolean {
  const isLess: Record<keyof Spending, boolean> = {
    maxCostNanoUsd:
      approved.maxCostNanoUsd === null ||
      (limits.maxCostNanoUsd !== null && limits.maxCostNanoUsd <= approved.maxCostNanoUsd),
    maxAttempts: limits.maxAttempts <= approved.maxAttempts,
    rejectTruncated: approved.rejectTruncated || !limits.rejectTruncated,
    retryEmpty: approved.retryEmpty || !limits.retryEmpty,
    prices: approved.prices.includes(canonicalJson(limits.prices)),
  };
  return Object.entries(isLess).every(([name, less]) => less || Object.hasOwn(typed, name));
}

function widest(before: Approval['spending'] | null, now: Spending): Approval['spending'] {
  const prices = canonicalJson(now.prices);
  if (!before) return { ...pick(now), prices: [prices] };
  const caps = [before.maxCostNanoUsd, now.maxCostNanoUsd];
  return {
    maxCostNanoUsd: caps.some((cap) => cap === null) ? null : Math.max(...(caps as number[])),
    maxAttempts: Math.max(before.maxAttempts, now.maxAttempts),
    rejectTruncated: before.rejectTruncated || now.rejectTruncated,
    retryEmpty: before.retryEmpty || now.retryEmpty,
    prices: [...new Set([...before.prices, prices])],
  };
}

const pick = ({ maxCostNanoUsd, maxAttempts, rejectTruncated, retryEmpty }: Spending) => ({
  ...{ maxCostNanoUsd, maxAttempts, rejectTruncated, retryEmpty },
});
