/** What a shard's ledger comes to, noted beside it: so that nobody has to read a whole ledger to tell how a batch stands. */
import { join } from 'node:path';
import * as z from 'zod';
import type { FailureCounts, Paid } from '../../core/receipt.ts';
import { type BillTally, billed, emptyBill } from './bill-tally.ts';
import { failed, type FailureGroup, noFailures } from './failure-tally.ts';
import { boughtAnswers, completionsOf, noteNewest } from '../ledger/batch-reading.ts';
import { billOf, spendingsOf } from '../ledger/bill.ts';
import { ledgerSizes } from '../ledger/ledger-files.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { replaceFile } from '../../system/files/replace-file.ts';
import type { Shard } from '../shard.ts';
import { areSameSizes, isUnchanged } from './shard-sizes.ts';
import { addPaid, NOTHING_PAID, promptStateOf } from '../ledger/prompt-state.ts';
import { addFailures } from '../../core/failure-counts.ts';
import { readRegularText } from '../../system/files/regular-file.ts';

/** The prompts whose settled record that counts is of one run. */
export interface SettledInRun {
  run: number;
  succeeded: number;
  failed: number;
  failuresByType: FailureCounts;
  /** Everything paid for these prompts, in whichever run. */
  paid: Paid;
}

export interface ShardDigest {
  shard: number;
  /** Prompts without an end. */
  open: number;
  succeeded: number;
  failed: number;
  /** Everything paid in the shard, for open prompts too. */
  paid: Paid;
  /** By run, ascending. */
  settled: SettledInRun[];
  /** Known and possibly paid, by the run of the record, ascending; integer nano-USD. What has no price counts nothing. */
  spent: { run: number; nanoUsd: number }[];
  /** Newest record of each run, ISO 8601. */
  lastRecordAt: { run: number; at: string }[];
  bill: BillTally;
  /** In the order of their first prompts. */
  failures: FailureGroup[];
}

/** Of a shard that nobody has written to: its prompts need not be read. */
export const untouchedDigest = (shard: number, prompts: number): ShardDigest => ({
  shard,
  open: prompts,
  succeeded: 0,
  failed: 0,
  paid: NOTHING_PAID,
  settled: [],
  spent: [],
  lastRecordAt: [],
  bill: emptyBill,
  failures: [],
});

/** From the ledger as its reader last refreshed it. */
export async function digestOf(shard: Shard, manifest: Manifest): Promise<ShardDigest> {
  const digest = untouchedDigest(shard.shard, 0);
  const settled = new Map<number, SettledInRun>();
  const spent = new Map<number, number>();
  const lastRecordAt = new Map<number, string>();
  let failures = noFailures;
  for await (const { index, item } of shard.prompts()) {
    const history = shard.reader.history(index);
    const promptState = promptStateOf(history, completionsOf(item, manifest));
    digest.paid = addPaid(digest.paid, promptState.paid);
    digest.bill = billed(digest.bill, billOf(history, promptState), boughtAnswers(history, promptState));
    failures = failed(failures, { item, error: promptState.settled?.error ?? null });
    for (const { run, nanoUsd } of spendingsOf(history))
      spent.set(run, (spent.get(run) ?? 0) + (nanoUsd ?? 0));
    noteNewest(lastRecordAt, history);
    if (!promptState.settled) {
      digest.open++;
      continue;
    }
    const { status, run, error } = promptState.settled;
    digest[status]++;
    const ofRun = settled.get(run) ?? { ...nothingSettled, run };
    settled.set(run, {
      ...ofRun,
      [status]: ofRun[status] + 1,
      ...(error && { failuresByType: addFailures(ofRun.failuresByType, { [error.type]: 1 }) }),
      paid: addPaid(ofRun.paid, promptState.paid),
    });
  }
  return {
    ...digest,
    settled: byRun([...settled.values()]),
    spent: byRun([...spent].map(([run, nanoUsd]) => ({ run, nanoUsd }))),
    lastRecordAt: byRun([...lastRecordAt].map(([run, at]) => ({ run, at }))),
    failures: [...failures.values()],
  };
}

const nothingSettled = { succeeded: 0, failed: 0, failuresByType: {}, paid: NOTHING_PAID };

const byRun = <T extends { run: number }>(entries: T[]): T[] => entries.sort((a, b) => a.run - b.run);

// ---------------------------------------------------------------- the note

const FILE = 'digest.json';
const count = z.int().min(0);
/** Sums may be larger than the integers that a double holds exactly. */
const sum = z.number().min(0);
const time = z.string().refine((value) => !Number.isNaN(Date.parse(value)));
const paid = z.object({
  usage: z.object({
    ...{ prompt: sum, completion: sum, total: sum, cached: sum, reasoning: sum },
  }),
  costNanoUsd: sum.nullable(),
});
const moneySum = (digits: RegExp) =>
  z.object({
    knownNanoUsd: z
      .string()
      .regex(digits)
      .transform((text) => BigInt(text)),
    known: count,
    unknown: count,
  });
const paidSum = moneySum(/^\d{1,40}$/);
/** Negative where cached input is dearer. */
const savedSum = moneySum(/^-?\d{1,40}$/);
const noteSchema = z.object({
  /** 1 had no failures by type and run. */
  format: z.literal(2),
  /** Valid for ledger files of exactly these names and sizes. */
  files: z.record(z.string(), count),
  digest: z.object({
    shard: count,
    open: count,
    succeeded: count,
    failed: count,
    paid,
    settled: z.array(
      z.object({
        run: count,
        succeeded: count,
        failed: count,
        failuresByType: z.record(z.string(), count),
        paid,
      }),
    ),
    spent: z.array(z.object({ run: count, nanoUsd: sum })),
    lastRecordAt: z.array(z.object({ run: count, at: time })),
    bill: z.object({
      kept: paidSum,
      discarded: paidSum,
      possiblyPaid: paidSum,
      cacheSaving: savedSum,
      reasoningTokens: sum,
      reused: count,
    }),
    failures: z.array(
      z.object({
        type: z.string(),
        count: count,
        examples: z.array(z.object({ promptId: z.string(), message: z.string() })),
      }),
    ),
  }),
});

/**
 * The note of a shard, if it was made of ledger files of exactly these names and sizes. Whatever else is
 * wrong with it: the ledger itself is read instead, and tells.
 */
export async function readDigest(
  ledgerFolder: string,
  sizes: ReadonlyMap<string, number>,
): Promise<ShardDigest | null> {
  try {
    const note = noteSchema.parse(JSON.parse(await readRegularText(join(ledgerFolder, FILE))));
    const files = new Map(Object.entries(note.files));
    return areSameSizes(files, sizes) ? (note.digest as ShardDigest) : null;
  } catch {
    return null;
  }
}

/** Notes a digest made of files of these sizes. It only saves time: a folder that takes no files does without. */
export async function noteDigest(
  ledgerFolder: string,
  digest: ShardDigest,
  sizes: ReadonlyMap<string, number>,
): Promise<void> {
  const note = { format: 2, files: Object.fromEntries(sizes), digest };
  const text = JSON.stringify(note, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  await replaceFile(join(ledgerFolder, FILE), `${text}\n`, { synced: false }).catch(() => {
    // whoever needs it next reads the ledger
  });
}

/** Computes what a shard's ledger comes to and, if no prompt of it is open, notes it. */
export async function takeDigest(shard: Shard, manifest: Manifest): Promise<ShardDigest> {
  const before = shard.reader.sizes();
  const digest = await digestOf(shard, manifest);
  if (digest.open === 0 && before && isUnchanged(before, await ledgerSizes(shard.ledgerFolder), shard))
    await noteDigest(shard.ledgerFolder, digest, before);
  return digest;
}
