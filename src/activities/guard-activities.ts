/**
 * What the activities do for whom: whoever reaches the Temporal server can schedule one on a batch's task queue, with
 * any arguments. Beyond this, what may be bought is decided from the manifest (`prompt-turn.ts`).
 */
import { Context } from '@temporalio/activity';
import { failureTypes } from '../core/failure-types.ts';
import { pauseReasonNames } from '../core/progress.ts';
import { layoutOf, type Manifest } from '../store/manifest/manifest.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { StoreError } from '../store/store-error.ts';
import { faultOf, isAddition } from '../core/limit-changes.ts';
import { shardIdOf } from '../core/shard-range.ts';
import { shardRange } from '../core/shard-range.ts';
import {
  type Is,
  isLike,
  isListOf,
  isMoment,
  isNumber,
  isOneOf,
  isShape,
  isText,
  isWhole,
  MAX_TEXT,
  orNull,
} from '../core/shape.ts';
import { pausing, toActivityFailure } from './failures.ts';
import type { Activities } from './index.ts';

/** A pause is told with the message of a provider. */
const MAX_MESSAGE = 10_000;
const MAX_TURNS = 1_000_000;

const isId = isText(MAX_TEXT, 1);
const areChanges: Is = (changes) => faultOf(changes as object) === null;

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
const isPause = isLike(
  { reason: isOneOf(...pauseReasonNames), message: isText(MAX_MESSAGE), since: isMoment },
  { by: isText(), neededNanoUsd: isNumber(0, Number.MAX_VALUE), overcharged: isOneOf(true) },
);
const ofRun = { batchId: isId, run: isWhole(1) };

/** What each activity may be asked. */
const requests: Readonly<Record<keyof Activities, Is>> = {
  admitPrompts: isLike({ batchId: isId, addition: isAddition as Is, control: isControl }),
  completePrompt: isLike(
    {
      ...ofRun,
      turn: isWhole(1, MAX_TURNS),
      shard: isWhole(),
      index: isWhole(),
      promptId: isId,
      allowanceNanoUsd: orNull(isNumber(0, Number.MAX_SAFE_INTEGER)),
    },
    { since: isWhole(1, MAX_TURNS) },
  ),
  readShard: isLike({ ...ofRun, shard: isWhole() }),
  recordLimits: isLike({ batchId: isId, changes: areChanges, control: isControl }),
  recordPause: isLike(
    {
      ...ofRun,
      pause: orNull(isPause),
      ended: isListOf(isShape({ since: isMoment, until: isMoment }), 10_000),
    },
    { control: isControl },
  ),
  surveyShards: isLike(ofRun),
  writeReport: isLike({
    ...ofRun,
    state: isOneOf('succeeded', 'partly_failed', 'cancelled'),
    endedAt: isMoment,
  }),
};

/** What a request says of whom it is for. */
interface Claim {
  batchId: string;
  /** Absent: its newest one, which must be open. */
  run?: number;
  /** Absent: the batch itself asks. */
  shard?: number;
  index?: number;
}

type Name = keyof Activities;

/** The same activities, refusing requests that have another form, are for another batch or run, or come from another workflow. */
export function guardActivities(unguarded: Activities, store: BatchStore): Activities {
  const guarded =
    <Request extends Claim, Result>(name: Name, work: (request: Request) => Promise<Result>) =>
    async (request: Request): Promise<Result> => {
      if (!requests[name](request)) throw refused(name, 'its argument is not of its form');
      await assertClaim(name, request);
      return work(request);
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

  return {
    admitPrompts: guarded('admitPrompts', unguarded.admitPrompts),
    completePrompt: guarded('completePrompt', unguarded.completePrompt),
    readShard: guarded('readShard', unguarded.readShard),
    recordLimits: guarded('recordLimits', unguarded.recordLimits),
    recordPause: guarded('recordPause', unguarded.recordPause),
    surveyShards: guarded('surveyShards', unguarded.surveyShards),
    writeReport: guarded('writeReport', unguarded.writeReport),
  };
}

const SECOND_MS = 1000;

const hasRun = ({ runs }: Manifest, { run }: { run?: number | undefined }): boolean =>
  run === undefined || runs.some((each) => each.run === run);

const refused = (name: Name, why: string): unknown =>
  pausing(failureTypes.activityRefused, `${name} was refused: ${why}`);
