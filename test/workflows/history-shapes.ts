/** Every shape a batch's control flow can take, small: what is recorded for the replay test. */
import { ApplicationFailure } from '@temporalio/common';
import {
  addUpdate,
  cancelNowUpdate,
  paceSignal,
  pauseUpdate,
  resumeUpdate,
  setUpdate,
} from '../../src/workflows/messages.ts';
import {
  type ActivityScript,
  type BatchOptions,
  createGate,
  failed,
  finalFailure,
  type RunningBatch,
  type ScriptedActivities,
  scriptActivities,
  succeeded,
  vanish,
  WORST_NANO_USD,
} from '../support/workflow-harness.ts';

export interface HistoryShape {
  name: string;
  activities: ScriptedActivities;
  options?: BatchOptions;
  /** From the start to the point from which the batch ends by itself. */
  drive?: (batch: RunningBatch) => Promise<unknown>;
  /** Record the workflow of this shard; default: the batch's first execution. */
  shard?: number;
}

const shape = (
  name: string,
  script: ActivityScript,
  rest: Omit<HistoryShape, 'name' | 'activities'> = {},
): HistoryShape => ({ name, activities: scriptActivities(script), ...rest });

const resume = ({ handle }: RunningBatch) => handle.executeUpdate(resumeUpdate, { args: [null] });
const paused = (batch: RunningBatch) =>
  batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);
const cancelling = (batch: RunningBatch) => batch.until(({ state }) => state === 'cancelling');

const blockedOnce: ActivityScript['complete'] = ({ index, turn }) => {
  if (index === 1 && turn === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
  return succeeded();
};

/** Each prompt costs all it may; the first one's allowance does not reach for its second request. */
const spendingAll: ActivityScript['complete'] = ({ index, turn }) =>
  index === 0 && turn === 1
    ? { status: 'unsettled', spentNanoUsd: WORST_NANO_USD, worstCostNanoUsd: WORST_NANO_USD }
    : { ...succeeded(), spentNanoUsd: index === 0 ? 2 * WORST_NANO_USD : WORST_NANO_USD };

/** A worker tells that the provider takes fewer, and then more. */
function paced(name: string, script: ActivityScript): HistoryShape {
  const gate = createGate();
  const complete: ActivityScript['complete'] = async () => {
    await gate.opened;
    return succeeded();
  };
  return shape(
    name,
    { ...script, complete },
    {
      options: { limits: { maxWorkers: 5, autoWorkers: true } },
      drive: async ({ handle, until }) => {
        await until(({ counts }) => counts.running === 5);
        for (const slots of [2, 4]) {
          await handle.signal(paceSignal, { worker: 'worker', slots, reason: 'so it is' });
          await until(({ autoWorkers }) => autoWorkers?.slots === slots);
        }
        gate.open();
      },
    },
  );
}

function cancelledWithGrace(): HistoryShape {
  const gate = createGate();
  return shape(
    'cancelled-with-grace',
    {
      prompts: 4,
      complete: async () => {
        await gate.opened;
        return succeeded();
      },
    },
    {
      drive: async (batch) => {
        await batch.until(({ counts }) => counts.running === 2);
        await batch.handle.cancel();
        await cancelling(batch);
        gate.open();
      },
    },
  );
}

/** Its prompt waits for a retry that the batch does not wait for. */
const retriedMuchLater: ActivityScript['complete'] = ({ index }) => {
  if (index === 0) return succeeded();
  throw ApplicationFailure.create({ message: 'busy', nextRetryDelay: '1 hour' });
};

const ann = { by: 'ann@laptop', reason: 'lunch' };
const pausedByHand = (name: string, script: ActivityScript, rest: Rest = {}): HistoryShape => {
  const gate = createGate();
  const complete = async () => {
    await gate.opened;
    return succeeded();
  };
  return shape(
    name,
    { ...script, complete },
    {
      ...rest,
      drive: async (batch) => {
        await batch.until(({ counts }) => counts.running >= 2);
        await batch.handle.executeUpdate(pauseUpdate, { args: [ann] });
        gate.open();
        await paused(batch);
        await batch.handle.executeUpdate(setUpdate, { args: [{ maxWorkers: 4 }, ann] });
        await batch.handle.executeUpdate(resumeUpdate, { args: [ann] });
      },
    },
  );
};

const addition = (sha256: string) => ({ stage: `.addition-${sha256}`, sha256 });
/** Prompts are added twice while it runs, the second time once more. */
const grown = (name: string, script: ActivityScript): HistoryShape => {
  const gate = createGate();
  const complete = async () => {
    await gate.opened;
    return succeeded();
  };
  return shape(
    name,
    { ...script, complete },
    {
      drive: async (batch) => {
        await batch.until(({ counts }) => counts.running >= 2);
        for (const sha256 of ['first', 'second', 'second'])
          await batch.handle.executeUpdate(addUpdate, { args: [addition(sha256), ann] });
        gate.open();
      },
    },
  );
};

function workerLost(): HistoryShape {
  const killed = createGate();
  let dead = false;
  return shape(
    'worker-lost',
    {
      prompts: 3,
      complete: async ({ index }) => {
        if (dead || index === 0) return succeeded();
        await killed.opened;
        return vanish();
      },
    },
    {
      drive: async (batch) => {
        await batch.until(({ counts }) => counts.succeeded === 1 && counts.running === 2);
        killed.open();
        await batch.stopWorker();
        dead = true;
        await batch.startWorker();
      },
    },
  );
}

/** What the store cannot do the first time it is asked. */
function failingOnce(): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    throw finalFailure('Storage.Failed', 'disk full');
  };
}

const manyShards = (shards: number): ActivityScript => ({ prompts: 3 * shards, shards });
type Rest = Omit<HistoryShape, 'name' | 'activities'>;
const manyWorkers: Rest = { options: { limits: { maxWorkers: 4 } } };
const pausedAndResumed: Rest = {
  ...manyWorkers,
  drive: async (batch) => {
    await paused(batch);
    await resume(batch);
  },
};
const cancelledNow: Rest = {
  ...manyWorkers,
  drive: async (batch) => {
    await batch.until(({ counts }) => counts.succeeded === 1 && counts.running === 4);
    await batch.handle.executeUpdate(cancelNowUpdate);
    await batch.handle.cancel();
  },
};
const underACap: Rest = {
  options: { limits: { maxWorkers: 4, maxCostNanoUsd: 5 * WORST_NANO_USD } },
  drive: async (batch) => {
    await paused(batch);
    await batch.handle.executeUpdate(setUpdate, { args: [{ maxCostNanoUsd: 50 * WORST_NANO_USD }] });
  },
};

export const historyShapes = (): HistoryShape[] => [
  shape('all-succeed', { prompts: 4, shards: 2 }),
  shape('some-fail', {
    prompts: 4,
    complete: ({ index }) => (index === 2 ? failed('no such parameter') : succeeded()),
  }),
  shape(
    'paused-and-resumed',
    { prompts: 3, complete: blockedOnce },
    {
      options: { limits: { maxWorkers: 1 } },
      drive: async (batch) => {
        await paused(batch);
        await resume(batch);
      },
    },
  ),
  shape(
    'uniform-failures',
    { prompts: 14, complete: () => failed('no such model') },
    {
      drive: async (batch) => {
        await paused(batch);
        await resume(batch);
      },
    },
  ),
  shape(
    'too-many-failures',
    { prompts: 4, complete: ({ index }) => (index < 3 ? failed(`refused ${index}`) : succeeded()) },
    {
      options: { limits: { maxWorkers: 1, maxFailures: { count: 1 } } },
      drive: async (batch) => {
        await paused(batch);
        await resume(batch);
      },
    },
  ),
  shape(
    'budget-reached-and-raised',
    { prompts: 4, complete: spendingAll },
    {
      options: { limits: { maxWorkers: 2, maxCostNanoUsd: 2 * WORST_NANO_USD } },
      drive: async (batch) => {
        await paused(batch);
        await batch.handle.executeUpdate(setUpdate, { args: [{ maxCostNanoUsd: 20 * WORST_NANO_USD }] });
      },
    },
  ),
  shape(
    'storage-pauses',
    {
      prompts: 2,
      shards: 2,
      beforeRead: failingOnce(),
      beforeNote: failingOnce(),
      beforeReport: failingOnce(),
    },
    {
      drive: async (batch) => {
        await paused(batch);
        await resume(batch);
        await batch.until(({ state, counts }) => state === 'paused' && counts.succeeded === 2);
        await resume(batch);
      },
    },
  ),
  shape(
    'second-run',
    { prompts: 4, settledBefore: 2 },
    {
      options: {
        run: 2,
        pause: { reason: 'account', message: 'no balance', since: '2026-01-01T00:00:00.000Z' },
      },
      drive: async (batch) => {
        await paused(batch);
        await resume(batch);
      },
    },
  ),
  cancelledWithGrace(),
  shape(
    'cancelled-after-grace',
    { prompts: 3, complete: retriedMuchLater },
    {
      drive: async (batch) => {
        await batch.until(({ counts }) => counts.succeeded === 1 && counts.running === 2);
        await batch.handle.cancel();
      },
    },
  ),
  shape(
    'cancelled-now',
    { prompts: 3, complete: retriedMuchLater },
    {
      drive: async (batch) => {
        await batch.until(({ counts }) => counts.succeeded === 1 && counts.running === 2);
        await batch.handle.executeUpdate(cancelNowUpdate);
        await batch.handle.cancel();
      },
    },
  ),
  shape(
    'cancelled-while-paused',
    { prompts: 3, complete: blockedOnce },
    {
      options: { limits: { maxWorkers: 1 } },
      drive: async (batch) => {
        await paused(batch);
        await batch.handle.cancel();
      },
    },
  ),
  shape(
    'cancelled-before-start',
    { prompts: 2 },
    {
      options: { worker: false },
      drive: async (batch) => {
        await batch.handle.cancel();
        await batch.startWorker();
      },
    },
  ),
  shape(
    'cancelled-without-report',
    {
      prompts: 2,
      beforeReport: () => {
        throw finalFailure('Storage.Failed', 'disk full');
      },
    },
    {
      drive: async (batch) => {
        await paused(batch);
        await batch.handle.cancel();
      },
    },
  ),
  workerLost(),
  paced('auto-workers', { prompts: 8 }),
  paced('shards-with-auto-workers', { prompts: 8, shards: 4 }),
  pausedByHand('paused-by-an-operator', { prompts: 5 }),
  pausedByHand('shards-paused-by-an-operator', manyShards(4)),
  grown('prompts-added', { prompts: 3, shards: 1, additions: { first: 1, second: 2 } }),
  grown('prompts-added-past-inline', { prompts: 3, additions: { first: 1, second: 5 } }),
  grown('shards-added', { ...manyShards(4), additions: { first: 1, second: 5 } }),
  shape('many-shards', manyShards(4), manyWorkers),
  shape('one-shard', manyShards(4), { ...manyWorkers, shard: 0 }),
  shape('continued-as-new', manyShards(20), manyWorkers),
  shape('shards-paused-and-resumed', { ...manyShards(4), complete: blockedOnce }, pausedAndResumed),
  shape(
    'one-shard-paused-and-resumed',
    { ...manyShards(4), complete: blockedOnce },
    { ...pausedAndResumed, shard: 0 },
  ),
  shape('shards-cancelled-now', { ...manyShards(4), complete: retriedMuchLater }, cancelledNow),
  shape(
    'one-shard-cancelled-now',
    { ...manyShards(4), complete: retriedMuchLater },
    { ...cancelledNow, shard: 0 },
  ),
  shape('shards-under-a-cap', { ...manyShards(4), complete: spendingAll }, underACap),
  shape('one-shard-under-a-cap', { ...manyShards(4), complete: spendingAll }, { ...underACap, shard: 0 }),
];
