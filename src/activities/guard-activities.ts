/**
 * What the activities do for whom: whoever reaches the Temporal server can schedule one on a batch's task queue, with
 * any arguments. Beyond this, what may be bought is decided from the manifest (`prompt-turn.ts`).
 */
import { Context } from '@temporalio/activity';
import { pauseReasonNames } from '../core/progress.ts';
import { layoutOf, type Manifest } from '../store/manifest/manifest.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { StoreError } from '../store/store-error.ts';
import { faultOf, isAddition } from '../core/limit-changes.ts';
import { shardIdOf } from '../core/shard-range.ts';
import { shardRange } from '../core/shard-range.ts';
import {
  type Is,
  isFinite,
  isFlag,
  isLike,
  isListOf,
  isNumber,
  isOneOf,
  isShape,
  isText,
  isWhole,
  orNull,
} from '../core/shape.ts';
import { pausing, toActivityFailure } from './failures.ts';
import type { Activities } from './index.ts';

/** A pause is told with the message of a provider. */
const MAX_MESSAGE = 10_000;
const MAX_TURNS = 1_000_000;

const isMoment = isText(40, 20, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
const isId = isText(1000, 1);
const areChanges: Is = (changes) => faultOf(changes as object) === null;

const isTask = isLike(
  {
    batchId: isId,
    run: isWhole(1),
    turn: isWhole(1, MAX_TURNS),
    shard: isWhole(),
    index: isWhole(),
    promptId: isId,
    allowanceNanoUsd: orNull(isNumber(0, Number.MAX_SAFE_INTEGER)),
  },
  { since: isWhole(1, MAX_TURNS) },
);
const isPause = isLike(
  {
    reason: isOneOf(...pauseReasonNames),
    message: isText(MAX_MESSAGE),
    since: isMoment,
  },
  { by: isText(), neededNanoUsd: isFinite, overcharged: isFlag },
);
const isPauseNote = isLike({
  run: isWhole(1),
  ended: isListOf(isShape({ since: isMoment, until: isMoment }), 10_000),
});
const isControl = isShape(
  {
    id: isText(),
    control: isOneOf('pause', 'resume', 'set', 'add', 'cancel'),
    at: isMoment,
    by: orNull(isText()),
    reason: orNull(isText()),
  },
  { changes: areChanges },
);
const isReportRequest = isLike({
  batchId: isId,
  run: isWhole(1),
  state: isOneOf('succeeded', 'partly_failed', 'cancelled'),
  endedAt: isMoment,
});

/** What the arguments of an activity say of whom it is for. */
interface Claim {
  batchId: string;
  /** Absent: its newest one, which must be open. */
  run?: number;
  /** Absent: the batch itself asks. */
  shard?: number;
  index?: number;
}

type Name = keyof Activities;
type Table = { [N in Name]: { args: readonly Is[]; claim(...args: Parameters<Activities[N]>): Claim } };

const absentOr =
  (is: Is): Is =>
  (value) =>
    value === undefined || value === null || is(value);

const activities: Table = {
  admitPrompts: { args: [isId, isAddition as Is, isControl], claim: (batchId) => ({ batchId }) },
  completePrompt: { args: [isTask], claim: (task) => task },
  readShard: {
    args: [isId, isWhole(), isWhole(1)],
    claim: (batchId, shard, run) => ({ batchId, shard, run }),
  },
  recordLimits: { args: [isId, areChanges, absentOr(isControl)], claim: (batchId) => ({ batchId }) },
  recordPause: {
    args: [isId, orNull(isPause), absentOr(isControl), absentOr(isPauseNote)],
    claim: (batchId, _pause, _control, note) => ({ batchId, ...(note && { run: note.run }) }),
  },
  surveyShards: { args: [isId, isWhole(1)], claim: (batchId, run) => ({ batchId, run }) },
  writeReport: { args: [isReportRequest], claim: ({ batchId, run }) => ({ batchId, run }) },
};

/** The same activities, which refuse arguments of another form, other batches and runs, and who is no workflow of the batch. */
export function guardActivities(unguarded: Activities, store: BatchStore): Activities {
  const guarded = (name: Name): unknown => {
    const { args: shapes, claim } = activities[name] as Table['completePrompt'];
    const work = unguarded[name] as (...args: unknown[]) => Promise<unknown>;
    return async (...args: unknown[]) => {
      if (!shapes.every((is, index) => is(args[index])))
        throw refused(name, 'its arguments are not of its form');
      const claimed = claim(...(args as Parameters<Activities['completePrompt']>));
      await assertClaim(name, claimed);
      return work(...args);
    };
  };

  async function assertClaim(name: Name, claim: Claim): Promise<void> {
    if (claim.batchId !== store.batchId) throw refused(name, `it is not for ${store.batchId}`);
    const recent = whyNot(await manifestOf(SECOND_MS), claim);
    // This process may not have heard yet of a run, or of prompts that were added.
    const manifest = recent === null ? null : await manifestOf(0);
    const why = manifest && whyNot(manifest, claim);
    if (manifest && !hasRun(manifest, claim)) throw toActivityFailure(unknownRun(claim.run));
    if (why !== null) throw refused(name, why);
  }

  const unknownRun = (run = 0): StoreError =>
    new StoreError(`${store.folder}: batch.json has no run ${run}; was it replaced by an older one?`);

  const manifestOf = (maxAgeMs: number): Promise<Manifest> =>
    store.recentManifest(maxAgeMs).catch((error: unknown) => {
      throw toActivityFailure(error);
    });

  function whyNot(manifest: Manifest, { run, shard, index }: Claim): string | null {
    if (!hasRun(manifest, { run })) return `batch.json has no run ${run}`;
    if (run === undefined && manifest.runs.at(-1)?.outcome) return 'the batch has ended';
    const layout = layoutOf(manifest);
    if (shard !== undefined && shard >= layout.shards) return `the batch has no shard ${shard}`;
    if (index !== undefined && shard !== undefined) {
      const { first, last } = shardRange(layout, shard);
      const position = index + 1;
      if (position < first || position > last) return `shard ${shard} has no prompt ${position}`;
    }
    const asking = Context.current().info.workflowExecution?.workflowId;
    if (asking === store.batchId) return null;
    const { batchId } = store;
    const isOfShard = shard !== undefined && asking === shardIdOf({ ...layout, batchId }, shard);
    return isOfShard ? null : 'no workflow of the batch asks for it';
  }

  return Object.fromEntries(
    (Object.keys(activities) as Name[]).map((name) => [name, guarded(name)]),
  ) as unknown as Activities;
}

const SECOND_MS = 1000;

const hasRun = ({ runs }: Manifest, { run }: { run?: number | undefined }): boolean =>
  run === undefined || runs.some((each) => each.run === run);

const refused = (name: Name, why: string): unknown =>
  pausing('Activity.Refused', `${name} was refused: ${why}`);
