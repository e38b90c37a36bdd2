import type { Config } from '../../config.ts';
import type { RunLimits } from '../../core/settings.ts';
import type { StoreLocation } from '../../core/batch-layout.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest, ReusePolicy } from '../../store/manifest/manifest.ts';
import { ReusePlanWriter } from '../../store/reuse/reuse-plan.ts';
import { copyAnswers } from '../../store/reuse/reused-answers.ts';
import { messageOf } from '../../store/store-error.ts';
import { destinationOf } from '../../providers/destination.ts';
import { readApproval } from '../trust/approvals.ts';
import { batchIn, locateBatches } from '../find/locate-batch.ts';
import { UsageError } from '../usage-error.ts';
import { durationText } from '../render/duration-text.ts';
import { plural } from '../render/number-text.ts';
import {
  findReusable,
  noneReused,
  type ReuseRules,
  type ReusedTotals,
  wantedBy,
  addReused,
  writeToLedger,
} from './reuse.ts';
import { AskedKeys, type ReuseSource, reuseSources, type SkipNote } from './reuse-sources.ts';

/** What a command without flags does. */
export const defaultReuse: ReusePolicy = { folder: true, since_ms: null, longer: false };
/** What a batch of version 0.1.0 was made with. */
export const noReuse: ReusePolicy = { ...defaultReuse, folder: false };

export interface ReuseEarlierOptions {
  config: Config;
  store: BatchStore;
  /** More batches to take answers from, noted in the manifest. */
  named?: readonly string[];
  /** Typed now: it holds from now on. */
  policy?: ReusePolicy | undefined;
  /** Holds where the manifest has none. Default: nothing but what is named. */
  otherwise?: ReusePolicy;
  note(line: string): void;
}

/**
 * Plans to take over what the batches noted in the manifest, and by default all others of the output folder, have answers to.
 * Done before every run, so that a command that was killed in the middle of it is made good by the next one.
 */
export async function reuseEarlierAnswers({
  config,
  store,
  named = [],
  policy,
  otherwise = noReuse,
  note,
}: ReuseEarlierOptions): Promise<void> {
  const manifest = await noteReuse(store, named, policy, otherwise);
  const { reuse, reuse_policy, limits } = manifest;
  const typed = [...named, ...approvedReuse(config, store, manifest)];
  const found = await sourcesOf(config, store, { reuse, reuse_policy, typed }, note);
  const taken = await planReuse(store, found, rulesOf(reuse_policy, limits));
  if (taken.completions > 0) note(reusedText(taken));
  else if (named.length > 0) note(`No answers to reuse from ${named.join(', ')}.`);
}

/**
 * Decides which answers the batch reuses, durably: those of its own output folder are planned, and copied when their
 * shards are opened. A worker may not reach another folder, so answers from there are copied at once.
 */
export async function planReuse(
  store: BatchStore,
  { sources, skip }: { sources: readonly ReuseSource[]; skip: SkipNote },
  rules: ReuseRules,
): Promise<ReusedTotals> {
  const asked = new AskedKeys(sources);
  let copied = noneReused;
  for (;;) {
    const plan = await ReusePlanWriter.open(store);
    let taken = copied;
    try {
      const wanted = await wantedBy(store, asked);
      for await (const { from, answers } of findReusable(wanted, sources, rules, skip)) {
        taken = addReused(taken, from, answers);
        if (from.isIn(store.location.outputDir)) {
          await plan.add(answers);
          continue;
        }
        copied = addReused(copied, from, answers);
        await copyAnswers(answers, { now: new Date(), write: (records) => writeToLedger(store, records) });
      }
      if (await plan.commit()) return taken;
    } catch (error) {
      await plan.discard();
      throw error;
    }
  }
}

async function noteReuse(
  store: BatchStore,
  named: readonly string[],
  policy: ReusePolicy | undefined,
  otherwise: ReusePolicy,
): Promise<Manifest & { reuse_policy: ReusePolicy }> {
  const manifest = await store.readManifest();
  const reuse_policy = policy ?? manifest.reuse_policy ?? otherwise;
  const withNamed = (reuse: readonly string[]): string[] => [...new Set([...reuse, ...named])];
  const reuse = withNamed(manifest.reuse);
  const isNoted =
    reuse.length === manifest.reuse.length &&
    JSON.stringify(reuse_policy) === JSON.stringify(manifest.reuse_policy ?? noReuse);
  if (!isNoted)
    await store.updateManifest((current) => ({ ...current, reuse: withNamed(current.reuse), reuse_policy }));
  return { ...manifest, reuse, reuse_policy };
}

export const rulesOf = (
  { since_ms, longer }: ReusePolicy,
  { rejectTruncated }: Pick<RunLimits, 'rejectTruncated'>,
): ReuseRules => ({
  rejectTruncated,
  longer,
  answeredSince: since_ms === null ? null : Date.now() - since_ms,
});

/** Batches that this user has typed as sources of the batch's answers, whatever its manifest says. */
export const approvedReuse = (
  { home }: Pick<Config, 'home'>,
  store: BatchStore,
  { settings, limits }: Manifest,
): readonly string[] => readApproval(home, store, destinationOf(settings, limits))?.reuse ?? [];

/** `typed` are those that the user has named himself: only they are looked for in other folders. */
export interface WantedSources {
  reuse: readonly string[];
  reuse_policy: ReusePolicy;
  typed: readonly string[];
}

/** What this batch may take answers from, and how to say that one of them cannot be read. */
export async function sourcesOf(
  config: Config,
  { location, batchId }: { location: StoreLocation; batchId: string | null },
  { reuse, reuse_policy, typed }: WantedSources,
  note: (line: string) => void,
): Promise<{ sources: ReuseSource[]; skip: SkipNote }> {
  const named: BatchStore[] = [];
  for (const id of reuse) {
    if (!typed.includes(id)) {
      const here = await batchIn(location.outputDir, id);
      if (here) named.push(here);
      else
        note(
          `No answers are reused from ${id}: the batch's folder names it, and it is not in ${location.outputDir}.`,
        );
      continue;
    }
    try {
      named.push(...(await locateBatches(config, [id], location.outputDir)));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      note(`${id} no longer exists: no further answers can be reused from it.`);
    }
  }
  const skipped = new Set<string>();
  const skip: SkipNote = (id, error) => {
    if (!skipped.has(id))
      note(`No answers are reused from ${id}, because it cannot be read: ${messageOf(error)}`);
    skipped.add(id);
  };
  const sources = await reuseSources(location, batchId, { named, folder: reuse_policy.folder }, skip);
  return { sources, skip };
}

const MAX_NAMED = 3;

/** In one line: how many, from where, how old, and how not to. */
export function reusedText({ completions, batchIds, oldest }: ReusedTotals): string {
  const more = batchIds.length - MAX_NAMED;
  const from = [...batchIds.slice(0, MAX_NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
  const age = durationText(Date.now() - (oldest ?? Date.now()));
  return (
    `${plural(completions, 'completion')} of identical requests taken over from ${from} instead of being bought; ` +
    `the oldest answer is ${age} old. For new ones: --no-reuse.`
  );
}
