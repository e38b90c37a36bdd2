import type { TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createCompletePrompt } from '../../../src/activities/complete-prompt.ts';
import { openGate, type RequestGate } from '../../../src/activities/request-gate.ts';
import type { PromptItem } from '../../../src/core/prompt.ts';
import type { PromptTask } from '../../../src/core/prompt-task.ts';
import type { Receipt } from '../../../src/core/receipt.ts';
import type { RunLimits } from '../../../src/core/settings.ts';
import type { CompletionApi } from '../../../src/providers/completion-api.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import type { Liveness } from '../../../src/store/workers/worker-liveness.ts';
import { limits } from '../../providers/settings.ts';
import { makeBatch } from '../../store/support/batches.ts';

/** Of a process that is the only one at work on its batch. */
export const soleWorker: Liveness = {
  aliveSince: Number.NEGATIVE_INFINITY,
  hasPeers: false,
  assure: async () => 1,
  holds: () => true,
  isAlive: () => false,
};

/** Each run is an execution of its own. */
export const mockActivity = (attempt = 1, run = 1): MockActivityEnvironment =>
  new MockActivityEnvironment(
    { attempt, workflowExecution: { workflowId: 'test', runId: `run-${run}` } },
    { logger: new DefaultLogger('ERROR') },
  );

interface Attempt {
  activity: MockActivityEnvironment;
  receipt: Promise<Receipt>;
}

export interface AttemptOptions {
  attempt?: number;
  run?: number;
  turn?: number;
  since?: number;
  limits?: Partial<RunLimits>;
  /** Default: no cap. */
  allowanceNanoUsd?: number | null;
}

/** One worker process on one batch of one prompt. */
export interface PromptDesk {
  store: BatchStore;
  stopping: AbortController;
  /** Lets time pass. */
  wait(ms: number): void;
  begin(options?: AttemptOptions): Attempt;
  complete(options?: AttemptOptions): Promise<Receipt>;
  /** What another process reads on disk at this moment. */
  onDisk(): Promise<LedgerRecord[]>;
  /** Another worker process on the same folder. */
  restart(api: CompletionApi | (() => CompletionApi), process?: Partial<DeskProcess>): PromptDesk;
}

/** What tells one worker process from another. */
export interface DeskProcess {
  /** Identity. */
  worker: string;
  liveness: Liveness;
  /** Default: that of the desk. */
  gate: RequestGate;
}

export async function promptDesk(
  t: TestContext,
  api: CompletionApi | (() => CompletionApi),
  item: PromptItem = { prompt_id: 'p1', prompt: 'What is RLHF?' },
  gate: RequestGate = openGate,
  process: Partial<DeskProcess> = {},
): Promise<PromptDesk> {
  const store = await makeBatch(t, [item]);
  await store.updateManifest((manifest) => ({ ...manifest, limits, runs: [begun(1, limits)] }));
  return deskOf(t, store, api, { ms: Date.UTC(2026, 0, 1) }, gate, process);
}

const begun = (run: number, runLimits: RunLimits) => ({
  run,
  started_at: '2026-01-01T00:00:00.000Z',
  limits: runLimits,
});

function deskOf(
  t: TestContext,
  store: BatchStore,
  api: CompletionApi | (() => CompletionApi),
  clock: { ms: number },
  deskGate: RequestGate = openGate,
  { worker = 'worker', liveness = soleWorker, gate = deskGate }: Partial<DeskProcess> = {},
): PromptDesk {
  const stopping = new AbortController();
  const completePrompt = createCompletePrompt({
    store,
    api: () => (typeof api === 'function' ? api() : api),
    prices: () => ({
      cost: () => ({ costNanoUsd: 7, cacheSavingNanoUsd: 0, price: null }),
      worstCost: () => 100,
    }),
    gate: () => gate,
    stopping: stopping.signal,
    ...{ worker, liveness },
    now: () => new Date(clock.ms++),
    random: () => 0,
  });
  /** The run is the newest one, with these limits. */
  const inManifest = async (run: number, changes: Partial<RunLimits> = {}): Promise<void> => {
    const wanted = { ...limits, ...changes };
    const present = await store.manifest();
    if (present.runs.at(-1)?.run === run && isDeepStrictEqual(present.limits, wanted)) return;
    await store.updateManifest((manifest) => ({
      ...manifest,
      limits: wanted,
      runs: [...manifest.runs.filter((each) => each.run < run), begun(run, wanted)],
    }));
  };
  const begin = ({
    attempt = 1,
    run = 1,
    turn = 1,
    since = turn,
    limits: changes,
    allowanceNanoUsd = null,
  }: AttemptOptions = {}): Attempt => {
    const activity = mockActivity(attempt, run);
    const task: PromptTask = {
      batchId: store.batchId,
      run,
      turn,
      since,
      shard: 0,
      index: 0,
      promptId: 'p1',
      allowanceNanoUsd,
    };
    return {
      activity,
      receipt: inManifest(run, changes).then(() =>
        activity.run(completePrompt as (task: PromptTask) => Promise<Receipt>, task),
      ),
    };
  };
  return {
    store,
    stopping,
    wait: (ms) => {
      clock.ms += ms;
    },
    begin,
    complete: (options) => begin(options).receipt,
    onDisk: async () => {
      const { reader } = await new BatchStore(store.location, store.batchId, 'reader').openShard(0);
      await reader.refresh();
      const { starts, answers, faults, settled } = reader.history(0);
      const texts = await Promise.all(answers.map((one) => reader.read(one)));
      return [...starts, ...texts, ...faults, ...settled].toSorted((a, b) => a.at.localeCompare(b.at));
    },
    restart: (other, process) => {
      const reopened = new BatchStore(store.location, store.batchId, 'other');
      t.after(() => reopened.close());
      return deskOf(t, reopened, other, clock, openGate, { worker: `after ${worker}`, ...process });
    },
  };
}

/** What an activity told Temporal with its failure. */
export const toldTemporal = (error: unknown) => {
  if (!(error instanceof ApplicationFailure)) throw error;
  const { type, message, nonRetryable, nextRetryDelay } = error;
  return { type, message, nonRetryable: nonRetryable ?? false, nextRetryDelay };
};
