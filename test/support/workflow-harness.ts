/**
 * Runs the real workflow bundle on a real dev server, with activities that a test scripts.
 *
 *   const harness = await startWorkflowHarness();
 *   const script = scriptActivities({ prompts: 3, complete: () => failed('no such parameter') });
 *   const batch = await harness.run(t, script);
 *   assert.equal((await batch.result()).state, 'partly_failed');
 */
import { fileURLToPath } from 'node:url';
import { CompleteAsyncError } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { heartbeating } from '../../src/activities/as-activity.ts';
import type { Activities } from '../../src/activities/index.ts';
import type { BatchLayout } from '../../src/core/batch-layout.ts';
import type { ControlNote, Pause, Progress } from '../../src/core/progress.ts';
import type { LimitChanges, RunLimits } from '../../src/core/settings.ts';
import type { Unsettled, FailureType, Paid, Receipt } from '../../src/core/receipt.ts';
import type { BatchInput } from '../../src/core/batch-input.ts';
import type { BatchOutcome } from '../../src/core/outcome.ts';
import type {
  BatchSurvey,
  PromptTask,
  ReportRequest,
  RunSum,
  ShardPlan,
  PauseNote,
} from '../../src/core/prompt-task.ts';
import { progressQuery } from '../../src/workflows/messages.ts';
import type { promptBatch } from '../../src/workflows/index.ts';
import { shardRange } from '../../src/core/shard-range.ts';
import { atRest } from './at-rest.ts';
import { startTestServer } from './temporal-server.ts';
import { firstOf } from './until.ts';

export { until } from './until.ts';

export const workflowBundle = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

/** What every scripted answer costs. */
export const PAID: Paid = {
  usage: { prompt: 10, completion: 5, total: 15, cached: 0, reasoning: 0 },
  costNanoUsd: 1000,
};
/** What each prompt can cost at most. */
export const WORST_NANO_USD = 5000;
export const NOTHING_PAID: Paid = {
  usage: { prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 },
  costNanoUsd: 0,
};

export const succeeded = (): Receipt => ({
  status: 'succeeded',
  answers: ['a'],
  paid: PAID,
  spentNanoUsd: 0,
  latencyMs: 1,
});

export const failed = (message: string, type: FailureType = 'Completion.Rejected'): Receipt => ({
  status: 'failed',
  answers: [],
  paid: NOTHING_PAID,
  spentNanoUsd: 0,
  latencyMs: 1,
  error: { type, message, attempts: 1 },
});

/** A failure as the real activities throw it: final, and named. */
export const finalFailure = (type: string, message: string): ApplicationFailure => {
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true });
  // A stack names this machine's folders.
  failure.stack = `${type}: ${message}`;
  return failure;
};

/** Ends an attempt without a word to the server, as a killed process does: only the missing heartbeat tells. */
export const vanish = (): never => {
  throw new CompleteAsyncError();
};

/** A promise and the key to it. */
export interface Gate {
  opened: Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

export interface ActivityScript {
  prompts: number;
  /** Default: one. Prompts are dealt out evenly, in order; with more than two, each shard has a workflow of its own. */
  shards?: number;
  /** Prompts that the ledger has settled before, from the first on. */
  settledBefore?: number;
  complete?: (task: PromptTask) => Receipt | Unsettled | Promise<Receipt | Unsettled>;
  /** Called before a shard is read: throws, or waits. */
  beforeRead?: (shard: number) => void | Promise<void>;
  beforeReport?: (request: ReportRequest) => void | Promise<void>;
  beforeNote?: (pause: Pause | null) => void | Promise<void>;
  /** Prompts of an addition, by its hash. */
  additions?: Record<string, number>;
  beforeAdmit?: () => void | Promise<void>;
  beforeSurvey?: () => void | Promise<void>;
}

export interface ScriptedActivities extends Activities {
  readonly script: Readonly<ActivityScript>;
  /** What `completePrompt` was asked for, in order, retries included. */
  readonly tasks: PromptTask[];
  /** Prompts in progress. */
  readonly running: number;
  /** Most prompts that were in progress at once. */
  readonly peak: number;
  readonly reads: number[];
  /** Runs for which the whole batch was surveyed. */
  readonly surveys: number[];
  readonly notes: (Pause | null)[];
  /** What was told with each of them. */
  readonly pauseNotes: PauseNote[];
  readonly limitNotes: LimitChanges[];
  /** Who asked what, as noted beside the batch. */
  readonly controls: ControlNote[];
  readonly reports: ReportRequest[];
}

export function scriptActivities(script: ActivityScript): ScriptedActivities {
  const { shards: firstShards = 1, settledBefore = 0, additions = {} } = script;
  const parts = [script.prompts];
  const admitted = new Set<string>();
  const layout = (): BatchLayout => ({
    prompts: parts.reduce((sum, part) => sum + part, 0),
    shards: parts.reduce((sum, part) => sum + Math.ceil(part / size), 0),
    ...{ shardSize: size, parts: [...parts] },
  });
  const tasks: PromptTask[] = [];
  const reads: number[] = [];
  const surveys: number[] = [];
  const size = Math.ceil(script.prompts / firstShards);
  const notes: (Pause | null)[] = [];
  const pauseNotes: PauseNote[] = [];
  const limitNotes: LimitChanges[] = [];
  const controls: ControlNote[] = [];
  const reports: ReportRequest[] = [];
  const ends = new Map<number, { status: Receipt['status']; run: number; spentNanoUsd: number }>();
  for (let index = 0; index < settledBefore; index++)
    ends.set(index, { status: 'succeeded', run: 0, spentNanoUsd: 0 });
  const newSum = (): RunSum => ({
    succeeded: 0,
    failed: 0,
    failuresByType: {},
    paid: NOTHING_PAID,
    spentNanoUsd: 0,
  });
  const addTo = (
    sum: RunSum,
    { status, spentNanoUsd }: { status: Receipt['status']; spentNanoUsd: number },
  ): void => {
    sum[status]++;
    sum.paid = { ...PAID, costNanoUsd: sum.paid.costNanoUsd! + PAID.costNanoUsd! };
    sum.spentNanoUsd += spentNanoUsd;
  };
  const rangeOf = (shard: number): number[] => {
    const { first, last } = shardRange(layout(), shard);
    return Array.from({ length: last - first + 1 }, (_, at) => first - 1 + at);
  };
  let running = 0;
  let peak = 0;

  return {
    script,
    tasks,
    reads,
    surveys,
    notes,
    pauseNotes,
    limitNotes,
    controls,
    reports,
    get running() {
      return running;
    },
    get peak() {
      return peak;
    },
    admitPrompts: async ({ addition: { sha256 }, control }) => {
      await script.beforeAdmit?.();
      if (!admitted.has(sha256)) {
        admitted.add(sha256);
        parts.push(additions[sha256]!);
        controls.push(control);
      }
      return layout();
    },
    surveyShards: async ({ run }) => {
      await script.beforeSurvey?.();
      surveys.push(run);
      const survey: BatchSurvey = { open: [], before: newSum() };
      for (let shard = 0; shard < layout().shards; shard++) {
        const indexes = rangeOf(shard);
        const isOver = indexes.every((index) => ends.has(index));
        if (!isOver) survey.open.push(shard);
        for (const index of indexes) {
          const end = ends.get(index);
          if (end && (end.run < run || isOver)) addTo(survey.before, end);
          else if (end)
            (survey.spentInRun ??= {})[shard] = (survey.spentInRun[shard] ?? 0) + end.spentNanoUsd;
        }
      }
      return survey;
    },
    readShard: async ({ shard, run }) => {
      reads.push(shard);
      await script.beforeRead?.(shard);
      const plan: ShardPlan = { open: [], before: newSum(), inRun: newSum() };
      for (const index of rangeOf(shard)) {
        const end = ends.get(index);
        if (end) {
          addTo(end.run < run ? plan.before : plan.inRun, end);
        } else {
          const id = `prompt_${String(index + 1).padStart(4, '0')}`;
          const turns = tasks
            .filter((task) => task.index === index && task.run === run)
            .map(({ turn }) => turn);
          const lastTurn = Math.max(0, ...turns);
          plan.open.push({
            ...{ index, id, completions: 1, spentNanoUsd: 0, worstCostNanoUsd: WORST_NANO_USD },
            ...(lastTurn > 0 && { lastTurn }),
          });
        }
      }
      return plan;
    },
    completePrompt: async (task) => {
      tasks.push(task);
      running++;
      peak = Math.max(peak, running);
      try {
        const receipt = await (script.complete?.(task) ?? succeeded());
        const { status, spentNanoUsd } = receipt;
        if (status !== 'unsettled')
          ends.set(task.index, { status, run: task.run, spentNanoUsd: spentNanoUsd ?? 0 });
        return receipt;
      } finally {
        running--;
      }
    },
    recordLimits: async ({ changes, control }) => {
      limitNotes.push(changes);
      controls.push(control);
    },
    recordPause: async (note) => {
      const { pause, control } = note;
      await script.beforeNote?.(pause);
      notes.push(pause);
      pauseNotes.push(note);
      if (control) controls.push(control);
    },
    writeReport: async (request) => {
      reports.push(request);
      await script.beforeReport?.(request);
      const all = [...ends.values()];
      const outcome: BatchOutcome = {
        state: request.state,
        counts: {
          total: layout().prompts,
          pending: 0,
          running: 0,
          succeeded: all.filter(({ status }) => status === 'succeeded').length,
          failed: all.filter(({ status }) => status === 'failed').length,
          notRun: layout().prompts - all.length,
        },
        paid: PAID,
        resultsFile: '/data/batch_results/batch_results.json',
        csvFile: '/data/batch_results/batch_results.csv',
        failuresFile: null,
        durationSeconds: 1,
        warnings: [],
      };
      return outcome;
    },
  };
}

export interface BatchOptions {
  /** Default: a new one. */
  id?: string;
  run?: number;
  pause?: Pause | null;
  limits?: Partial<RunLimits>;
  hasSearchAttributes?: boolean;
  /** Default true: a worker with the script starts before the batch does. */
  worker?: boolean;
}

export interface RunningBatch {
  handle: WorkflowHandleWithFirstExecutionRunId<typeof promptBatch>;
  result(): Promise<BatchOutcome>;
  /** Asks the workflow; needs a worker. */
  progress(): Promise<Progress>;
  /** Resolves with the first progress that is as wanted. Rejects if the batch ends without it. */
  until(wanted: (progress: Progress) => boolean): Promise<Progress>;
  /** Resolves when it has done all that it will do by itself: what it has not started then, it does not start. */
  atRest(): Promise<void>;
  startWorker(): Promise<void>;
  /** Ends the worker after what it has in hand. */
  stopWorker(): Promise<void>;
}

/** Where what a test leaves running is ended: its `TestContext`. */
export interface Cleanup {
  after(end: () => Promise<void>): void;
}

export interface WorkflowHarness {
  client: Client;
  /** Starts a batch as large as the script, on a task queue of its own. */
  run(cleanup: Cleanup, activities: ScriptedActivities, options?: BatchOptions): Promise<RunningBatch>;
  stop(): Promise<void>;
}

export const batchInput = (
  batchId: string,
  { prompts, shards = 1 }: Pick<ActivityScript, 'prompts' | 'shards'>,
  { run = 1, pause = null, limits, hasSearchAttributes }: BatchOptions = {},
): BatchInput => ({
  batchId,
  name: 'Sample',
  run,
  store: { kind: 'local', outputDir: '/data/batch_results', uuid: '00000000-0000-4000-8000-000000000000' },
  prompts,
  shards,
  shardSize: Math.ceil(prompts / shards),
  settings: {
    request: {
      provider: 'openai-compatible',
      baseUrl: 'http://provider.test/v1',
      model: 'test-model',
      temperature: 0.7,
      topP: 0.9,
      maxTokens: 256,
      completions: 1,
      thinking: false,
    },
    limits: {
      maxWorkers: 2,
      maxAttempts: 6,
      requestTimeoutMs: 600_000,
      idleTimeoutMs: 120_000,
      patienceMs: 3_600_000,
      rejectTruncated: false,
      retryEmpty: false,
      maxFailures: null,
      maxCostNanoUsd: null,
      prices: null,
      apiKeyEnv: 'TEST_API_KEY',
      simulateLatencyMs: 0,
      simulateErrors: 0,
      ...limits,
    },
  },
  pause,
  ...(hasSearchAttributes !== undefined && { hasSearchAttributes }),
});

let runtimeInstalled = false;
/** Failures are what these tests are about: the SDK's warnings of them are no news. */
function quietRuntime(): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
}

/** `dynamicConfig`: settings of the server, by their names there. */
export async function startWorkflowHarness(
  dynamicConfig?: Record<string, unknown>,
): Promise<WorkflowHarness> {
  quietRuntime();
  const server = await startTestServer(dynamicConfig);
  const connection = await Connection.connect({ address: server.address });
  const native = await NativeConnection.connect({ address: server.address });
  const client = new Client({ connection, identity: 'client' });
  let batches = 0;

  return {
    client,
    run: async (cleanup, activities, options = {}) => {
      const id = options.id ?? `batch-${++batches}`;
      const taskQueue = `queue-${id}`;
      let worker: { stop(): void; ended: Promise<Error | null> } | null = null;
      const endWorker = async (): Promise<Error | null> => {
        if (!worker) throw new Error('the batch has no worker to end');
        const { stop, ended } = worker;
        worker = null;
        stop();
        return ended;
      };
      const startWorker = async (): Promise<void> => {
        if (worker) throw new Error('the batch has a worker already');
        const started = await createWorker(native, taskQueue, activities);
        const ended = started.run().then(
          () => null,
          (error: Error) => error,
        );
        worker = { stop: () => started.shutdown(), ended };
      };
      cleanup.after(async () => {
        if (worker) await endWorker();
      });

      if (options.worker !== false) await startWorker();
      const handle = await client.workflow.start<typeof promptBatch>('promptBatch', {
        workflowId: id,
        taskQueue,
        args: [batchInput(id, activities.script, options)],
        memo: { origin: 'kept' },
      });
      const progress = (): Promise<Progress> => handle.query(progressQuery);
      return {
        handle,
        progress,
        result: () => handle.result(),
        until: (wanted) =>
          firstOf(async () => {
            const now = await progress();
            if (!wanted(now) && /^(succeeded|partly_failed|cancelled)$/.test(now.state))
              throw new Error(`the batch has ended before: ${JSON.stringify(now)}`);
            return now;
          }, wanted),
        atRest: () => atRest(client, id),
        startWorker,
        stopWorker: async () => {
          const error = await endWorker();
          if (error) throw error;
        },
      };
    },
    stop: async () => {
      await native.close();
      await connection.close();
      await server.stop();
    },
  };
}

/** As the real activities do it: a test may hold them for longer than a heartbeat may be late. */
const beating =
  <Args extends unknown[], Result>(activity: (...args: Args) => Promise<Result>) =>
  (...args: Args): Promise<Result> =>
    heartbeating(() => activity(...args));

const createWorker = (
  connection: NativeConnection,
  taskQueue: string,
  {
    admitPrompts,
    completePrompt,
    readShard,
    recordLimits,
    recordPause,
    surveyShards,
    writeReport,
  }: Activities,
): Promise<Worker> =>
  Worker.create({
    connection,
    taskQueue,
    identity: 'worker',
    workflowBundle: { codePath: workflowBundle },
    activities: {
      admitPrompts: beating(admitPrompts),
      completePrompt: beating(completePrompt),
      readShard: beating(readShard),
      recordLimits: beating(recordLimits),
      recordPause: beating(recordPause),
      surveyShards: beating(surveyShards),
      writeReport: beating(writeReport),
    },
    workflowFailureErrorTypes: { '*': ['Error'] },
    stickyQueueScheduleToStartTimeout: '2 seconds',
  });
