/** A worker on one batch: real dependencies, the activities made from them, Temporal's worker around both. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { IllegalStateError } from '@temporalio/common';
import {
  DefaultLogger,
  type LogEntry,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerTuner,
} from '@temporalio/worker';
import { createBatchAccounts } from '../throttling/batch-accounts.ts';
import { createBatchGate } from '../throttling/batch-gate.ts';
import { createActivities } from '../activities/index.ts';
import { throughGates } from '../activities/request-gate.ts';
import { createPaceReporter } from '../throttling/pace-reporter.ts';
import type { Config, TemporalAddress } from '../config.ts';
import { hostAndPort, isLoopback } from '../system/loopback.ts';
import { MAX_WORKERS, type RequestSettings, type RunLimits } from '../core/settings.ts';
import { taskQueueOf } from '../core/batch-layout.ts';
import { type Destination, destinationOf, refusedKeyText } from '../providers/destination.ts';
import type { CompletionApi } from '../providers/completion-api.ts';
import type { BatchSlots, PromptSlots } from './prompt-slots.ts';
import { createSurcharge } from '../providers/pricing/surcharge.ts';
import { sharedApis } from '../providers/shared-apis.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { Manifest } from '../store/manifest/manifest.ts';
import { createRunPrices } from '../store/manifest/run-prices.ts';
import { terminalMessage, writeError } from '../system/terminal-output.ts';
import { WorkerLiveness } from '../store/workers/worker-liveness.ts';
import { courierIdentity, workerIdentity } from '../system/worker-identity.ts';
import { paceSignal } from '../workflows/messages.ts';

/** Reads, pauses and reports beside the prompts in progress. */
const STORE_SLOTS = 4;

/** Well below the heartbeat timeout, of which the SDK would otherwise wait 80 %. */
const MAX_HEARTBEAT_THROTTLE = '8 seconds';

/** Whether a key may go there. */
export type KeyPolicy = (destination: Destination) => boolean;

/** What a purchase is charged by: the prices in the limits (`null`: none were typed), and the SHA-256 of its run's table. */
export type ChargedBy = { prices: RunLimits['prices'] } | { table: string };

/** Whether answers from there may be charged so: under prices of zero, no cost cap holds. */
export type ChargePolicy = (destination: Destination, by: ChargedBy) => boolean;

export interface BatchWorkerOptions {
  connection: NativeConnection;
  namespace: string;
  config: Config;
  store: BatchStore;
  /** Shared with the process's workers on other batches. Default: {@link MAX_WORKERS} for this one; the batch's own limit holds over all workers, and may grow. */
  slots?: PromptSlots;
  /** Asked before a key is used; where it may not be, the batch pauses (`account`). */
  mayUseKey: KeyPolicy;
  /** Asked before each purchase, as the folder may be changed while it is worked on. Default: it may. */
  mayCharge?: ChargePolicy;
  /** Buys nothing: only for closing a batch that nobody works on. */
  idle?: boolean;
  /** Says what changes about the batch's account. */
  note?: (line: string) => void;
  /** Called when other workers of the batch are found dead, so that their work is handed back. */
  onDeadWorkers(isDead: (identity: string) => boolean): Promise<void>;
}

export interface BatchWorker {
  /** Resolves when the worker has stopped; rejects when it could not go on. */
  readonly stopped: Promise<void>;
  /** Requests sent and not answered yet. */
  readonly requestsInFlight: number;
  /** Starts nothing more and ends after the requests in flight. */
  stop(): Promise<void>;
  /** Call it when the worker has stopped and its answers are saved: others then see that it has nothing in flight. */
  leave(): Promise<void>;
}

/** Warnings go to standard error, unless a command sends them elsewhere. */
let sdkLog = ({ level, message }: LogEntry): void =>
  writeError(terminalMessage(`durabatch: ${level} ${message}`));

/** Where the SDK's warnings go in this process: say so before the first worker connects. */
export function logWorkersTo(log: (entry: LogEntry) => void): void {
  sdkLog = log;
}

/**
 * The SDK's native part, with signals left to us. It keeps the process alive until its last connection
 * is closed, so it is installed with a connection and not before; a program may have installed its own.
 */
function installRuntime(): void {
  try {
    Runtime.install({
      shutdownSignals: [],
      logger: new DefaultLogger('WARN', (entry) => sdkLog(entry)),
      telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
    });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}

/** Throws an error that names the address where the server cannot be reached. */
export const connectWorker = async (address: TemporalAddress): Promise<NativeConnection> => {
  installRuntime();
  // Compression costs more than it saves there.
  const onLoopback = isLoopback(hostAndPort(address.address ?? '', 0).host);
  return NativeConnection.connect({
    ...(address as NonNullable<Parameters<typeof NativeConnection.connect>[0]>),
    ...(onLoopback ? { grpcCompression: { codec: 'none' as const } } : {}),
  }).catch((error: unknown) => {
    throw new Error(workerUnreachable(address, error instanceof Error ? error.message : String(error)), {
      cause: error,
    });
  });
};

/** The TLS library of the SDK's native part is stricter than that of the client, which connected before. */
const workerUnreachable = ({ address }: TemporalAddress, message: string): string =>
  /CaUsedAsEndEntity/.test(message)
    ? `the worker does not accept the TLS certificate of the Temporal server at ${address}: it is that of an authority (CA:TRUE). Give the server one that the authority has signed.`
    : `the worker cannot connect to the Temporal server at ${address}: ${message}`;

/** A worker that has what it needs, and does not poll yet. */
export interface ReadyWorker {
  run(): BatchWorker;
  /** Instead of {@link run}: lets go of the connection. */
  discard(): Promise<void>;
}

/** Takes some tenths of a second, most of them in the thread of the workflows: there is time for other things. */
export async function createBatchWorker(options: BatchWorkerOptions): Promise<ReadyWorker> {
  const { connection, namespace, config, store } = options;
  await store.assertNoLinks();
  const stopping = new AbortController();
  if (options.idle) stopping.abort();
  const identity = workerIdentity();
  const liveness = new WorkerLiveness({ store, worker: identity, onDead: options.onDeadWorkers });
  let requestsInFlight = 0;
  /** Requests, with all that is to be recorded of them, of which some outlive the attempts they were sent by. */
  const underWay = new Set<Promise<unknown>>();
  const counted = (api: CompletionApi): CompletionApi => ({
    choicesPerRequest: (wanted) => api.choicesPerRequest(wanted),
    complete: async (...call) => {
      requestsInFlight++;
      try {
        return await api.complete(...call);
      } finally {
        requestsInFlight--;
      }
    },
  });
  const batch = new Client({ connection, namespace }).workflow.getHandle(store.batchId);
  const clock = (): number => performance.now();
  const paceReporter = createPaceReporter(
    (pace) => batch.signal(paceSignal, { worker: identity, ...pace }),
    clock,
  );
  const batchGate = createBatchGate({
    ...{ stopping: stopping.signal, onPace: paceReporter.tell },
    ...{ clock, now: () => new Date(), random: Math.random },
  });

  const surcharge = createSurcharge();
  const bundle = { codePath: workflowBundle() };
  const accounts = createBatchAccounts({
    ...{ connection, namespace, identity, workflowBundle: bundle, batchId: store.batchId },
    stopping: stopping.signal,
    note: options.note ?? (() => {}),
  });

  const slots = options.slots?.join(stopping.signal);
  const keyFor = (destination: Destination): string | undefined => {
    const key = config.secret(destination.apiKeyEnv);
    if (key !== undefined && !options.mayUseKey(destination))
      throw accountBlocked(refusedKeyText(destination));
    return key;
  };

  const mayCharge = ({ settings, limits }: Pick<Manifest, 'settings' | 'limits'>, by: ChargedBy): boolean =>
    config.secret(limits.apiKeyEnv) === undefined ||
    (options.mayCharge?.(destinationOf(settings, limits), by) ?? true);

  // Clients of providers and the table of prices are the largest parts of what is loaded here: they come while
  // that thread starts.
  const providers = Promise.all([
    import('../providers/completion-api.ts'),
    import('../providers/pricing/request-prices.ts'),
  ]);
  const apiOf = sharedApis((settings: RequestSettings, limits: RunLimits) =>
    counted(createApi(settings, limits, keyFor(destinationOf(settings, limits)), config.plainHttpHosts)),
  );
  const creating = Worker.create({
    connection,
    namespace,
    identity,
    taskQueue: taskQueueOf(store.location, store.batchId),
    workflowBundle: bundle,
    activities: createActivities({
      store,
      api: (settings, limits) => {
        if (!mayCharge({ settings, limits }, { prices: limits.prices }))
          throw accountBlocked(refusedKeyText(destinationOf(settings, limits)));
        return apiOf(settings, limits);
      },
      prices: (settings, limits, table) =>
        requestPrices(settings, limits, { surcharge, ...(table && { table }) }),
      surcharge,
      priceTable: createRunPrices(store, (manifest, table) => mayCharge(manifest, { table })),
      gate: (_, limits) => {
        const { account, autoWorkers } = limits;
        // An account's permit is of its moment: it is taken last. But who waits for one must not look like a
        // request under way where those are counted.
        const gates = account ? [batchGate(limits), accounts.gate(account)] : [batchGate(limits)];
        const ofBatch = autoWorkers ? gates.toReversed() : gates;
        const all = slots ? [slots.gate, ...ofBatch] : ofBatch;
        return all.length === 1 ? all[0]! : throughGates(...all);
      },
      stopping: stopping.signal,
      worker: identity,
      ...(options.note && { note: options.note }),
      liveness,
      outlives: (work) => {
        underWay.add(work);
        const isOver = (): void => void underWay.delete(work);
        work.then(isOver, isOver);
      },
      now: () => new Date(),
      random: Math.random,
    }),
    ...(slots
      ? { tuner: tunerOf(slots.supplier) }
      : { maxConcurrentActivityTaskExecutions: MAX_WORKERS + STORE_SLOTS }),
    maxEagerActivityReservationsPerWorkflowTask: MAX_WORKERS,
    stickyQueueScheduleToStartTimeout: '2 seconds',
    // An attempt hears of its cancellation, or that it was given away, at a heartbeat that is sent.
    maxHeartbeatThrottleInterval: MAX_HEARTBEAT_THROTTLE,
    // A bug, or a history that this version cannot replay, ends the run instead of being retried unseen
    // for ever. Nothing is lost by it: the next run is seeded from the ledger.
    workflowFailureErrorTypes: { '*': ['Error'] },
    // Requests end by themselves, each by its own deadline.
    shutdownGraceTime: '1 day',
  });
  const [created, loaded] = await Promise.allSettled([creating, providers]);
  if (created.status === 'rejected') {
    slots?.leave();
    throw created.reason;
  }
  const worker = created.value;
  let hasFailed = false;
  const runToEnd = (): Promise<void> =>
    worker.run().finally(() => {
      slots?.leave();
      return accounts.close();
    });
  const run = (): BatchWorker => {
    const stopped = runToEnd();
    stopped.catch(() => {
      // whoever follows the batch is told; until then it must not end the process
      hasFailed = true;
    });
    liveness.start();
    return {
      stopped,
      get requestsInFlight() {
        return requestsInFlight;
      },
      stop: async () => {
        stopping.abort();
        if (worker.getState() === 'RUNNING') worker.shutdown();
        await stopped.catch(() => {
          // a worker that failed has stopped too
        });
        paceReporter.stop();
        while (underWay.size > 0) await Promise.allSettled(underWay);
      },
      leave: async () => {
        // What a failed worker had under way may still be so.
        if (hasFailed) liveness.stop();
        else await liveness.leave();
      },
    };
  };
  const discard = async (): Promise<void> => {
    // Only one that runs can be ended.
    const stopped = runToEnd();
    worker.shutdown();
    await stopped;
  };

  if (loaded.status === 'rejected') {
    await discard();
    throw loaded.reason;
  }
  const [{ createCompletionApi: createApi, accountBlocked }, { requestPrices }] = loaded.value;
  return { run, discard };
}

/** All but the slots of activities as the SDK has them by default. */
const tunerOf = (activityTaskSlotSupplier: BatchSlots['supplier']): WorkerTuner => ({
  activityTaskSlotSupplier,
  workflowTaskSlotSupplier: { type: 'fixed-size', numSlots: 40 },
  localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: 100 },
  nexusTaskSlotSupplier: { type: 'fixed-size', numSlots: 100 },
});

/**
 * A worker on a batch whose folder is not here: it runs the batch's workflows, so that they hear what they are
 * told, and nothing else. What they want done waits for a worker at the folder.
 */
export async function startCourier({
  connection,
  namespace,
  taskQueue,
}: Pick<BatchWorkerOptions, 'connection' | 'namespace'> & { taskQueue: string }): Promise<
  Pick<BatchWorker, 'stop'>
> {
  const worker = await Worker.create({
    connection,
    namespace,
    identity: courierIdentity(),
    taskQueue,
    workflowBundle: { codePath: workflowBundle() },
    stickyQueueScheduleToStartTimeout: '2 seconds',
    // A history that this version cannot replay may be no riddle to the version at the folder: it fails no run.
  });
  const stopped = worker.run();
  stopped.catch(() => {
    // who waits for an answer says that there is none
  });
  return {
    stop: async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped.catch(() => {
        // a worker that failed has stopped too
      });
    },
  };
}

/** Built beside this file; where the sources run as they are, in `dist`. Throws where it is missing. */
export function workflowBundle(): string {
  const places = ['./workflow-bundle.js', '../../dist/workflow-bundle.js'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = places.find((path) => existsSync(path));
  if (!found) throw new Error(`the workflow bundle is missing (${places[0]}): run "npm run build"`);
  return found;
}
