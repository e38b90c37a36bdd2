/** Follows a batch to where it stops, with a worker of its own on it unless it is left to others. */
import { QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { Config } from '../../config.ts';
import type { Progress } from '../../core/progress.ts';
import { ensureServer, type ServerInfo, SilentServerError } from '../../temporal-server/embedded-server.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { noteIdleTime } from '../../store/manifest/idle-notes.ts';
import {
  type BatchWorker,
  connectWorker,
  createBatchWorker,
  type ReadyWorker,
} from '../../worker/batch-worker.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { type CloseWatch, watchClose } from './close-watch.ts';
import { createEtaCountdown } from '../observe/eta-countdown.ts';
import { grpcErrorOf } from '../connect/grpc-error.ts';
import type { SeenProgress } from '../render/progress/progress-facts.ts';
import { ownChargePolicy, ownKeyPolicy } from '../trust/key-policy.ts';
import { createRetriesLook } from '../observe/retries.ts';
import { saveLeftovers } from './save-leftovers.ts';
import { hasLiveWorker, openWorkflows, type ServerView, viewOf } from '../observe/server-view.ts';
import { sweepDeadWorkers, sweeperOf } from './sweep-dead-workers.ts';
import type { Temporal } from '../connect/temporal.ts';
import { unsaidNote } from './supervised-worker.ts';
import { type Waiting, waitingOf, waitingText } from '../observe/waiting.ts';
import { saveAtUnexpectedEnd } from './unexpected-end.ts';
import { withServer } from '../connect/with-server.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

export interface DriveOptions {
  config: Config;
  temporal: Temporal;
  store: BatchStore;
  /** `none` leaves the work to other processes; `idle` buys nothing, and only closes the batch. */
  worker: 'full' | 'idle' | 'none';
  onProgress(progress: SeenProgress): void;
  /** Says something beside the progress. */
  note(line: string): void;
  /** First interrupt: start nothing more, end after the requests in flight. */
  interrupt: AbortSignal;
  /** A paused batch is waited for too. */
  waitsForClose?: boolean;
  /** Says nothing of what it waits for when it is interrupted. */
  quiet?: boolean;
  /** Opens the batch, while its worker gets ready to poll; again if the server was lost meanwhile. True: it was open already. */
  open?: () => Promise<boolean>;
  /** Called once the batch is open and its worker polls; again if the server was lost meanwhile. */
  onReady?: () => Promise<void>;
}

export type DriveEnd =
  | { kind: 'closed'; view: ServerView }
  | { kind: 'paused'; progress: Progress }
  | { kind: 'interrupted' };

/** Who waits for a short batch shall not wait for its last poll; each poll is work for server and worker. */
const POLL_MS = 250;
const LONG_BATCH_MS = 15_000;
const LONG_BATCH_POLL_MS = 1000;
const CALL_DEADLINE_MS = 5000;
/** A paused batch with prompts in progress but no request on its way waits only for retries. */
const QUIET_POLLS = 8;
const LOST_NOTE_MS = 10_000;
const WAITING_NOTE_AFTER_MS = 1500;
const WAITING_NOTE_EVERY_MS = 30_000;

export const driveBatch = (options: DriveOptions): Promise<DriveEnd> =>
  withServer(options, () => driveOnce(options));

/** Fails if the server is lost before the worker polls; afterwards a lost server is waited for. */
async function driveOnce(options: DriveOptions): Promise<DriveEnd> {
  const { store, interrupt, note, open = async () => true } = options;
  const session = options.worker === 'none' ? null : await startWorkerSession(options, open);
  if (!session) await open();
  const isSaved = session && saveAtUnexpectedEnd({ store, note, stop: () => session.worker.stop() });
  try {
    await options.onReady?.();
    const closes = watchClose(options.temporal.client, store.batchId, interrupt);
    const end = await follow(options, session?.worker ?? null, closes).finally(() => closes.stop());
    const requestsInFlight = session?.worker.requestsInFlight ?? 0;
    if (end.kind === 'closed' && requestsInFlight > 0) note(overtakenNote(requestsInFlight));
    if (session && end.kind !== 'closed') {
      if (interrupt.aborted && !options.quiet) note(stoppingNote(requestsInFlight));
    }
    return end;
  } finally {
    if (session) {
      try {
        await session.worker.stop();
        await saveLeftovers(store, note);
        await store.close();
        await session.worker.leave().catch((error: unknown) => note(unsaidNote(error)));
        isSaved?.();
      } finally {
        await session.connection.close();
      }
    }
  }
}

interface WorkerSession<Worker> {
  worker: Worker;
  connection: NativeConnection;
}

/** Both take their time, on different threads: the worker gets ready while the batch is opened. */
async function startWorkerSession(
  options: DriveOptions,
  open: () => Promise<boolean>,
): Promise<WorkerSession<BatchWorker>> {
  const { temporal, store, note } = options;
  const openSwept = async (): Promise<void> => {
    const wasOpen = await open();
    if (!wasOpen) return;
    await sweepDeadWorkers(temporal, await viewOf(temporal, store.batchId));
    await noteIdleTime(store, note);
  };
  const [ready, opened] = await Promise.allSettled([openWorkerSession(options), openSwept()]);
  if (ready.status === 'rejected') throw ready.reason;
  const { worker, connection } = ready.value;
  if (opened.status === 'fulfilled') return { worker: worker.run(), connection };
  // Not waited for: it may need the very server that is gone.
  void letGo(worker, connection);
  throw opened.reason;
}

async function letGo(worker: ReadyWorker, connection: NativeConnection): Promise<void> {
  try {
    await worker.discard();
    await connection.close();
  } catch {
    // what went wrong before is told
  }
}

async function openWorkerSession({
  config,
  temporal,
  store,
  worker,
  note,
}: DriveOptions): Promise<WorkerSession<ReadyWorker>> {
  const connection = await connectWorker(temporal.address);
  const { namespace } = temporal;
  const idle = worker === 'idle';
  try {
    return {
      worker: await createBatchWorker({
        ...{ connection, namespace, config, store, idle, note },
        // One that buys nothing needs no key.
        mayUseKey: idle ? () => false : await ownKeyPolicy(config.home, store),
        mayCharge: ownChargePolicy(config.home, store),
        onDeadWorkers: sweeperOf(temporal, store.batchId),
      }),
      connection,
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function follow(
  options: DriveOptions,
  worker: BatchWorker | null,
  closes: CloseWatch,
): Promise<DriveEnd> {
  const { temporal, store, interrupt, onProgress } = options;
  const { client } = temporal;
  const handle = client.workflow.getHandle(store.batchId);
  let workerError: { error: unknown } | null = null;
  worker?.stopped.catch((error: unknown) => (workerError = { error }));
  const trouble = createTroubleNotes(options);
  const isStandstill = createStandstill();
  const retriesOf = createRetriesLook(temporal);
  const etaOf = createEtaCountdown();
  const startedAt = performance.now();
  let quiet = 0;
  // A worker that starts has better things to do than to answer.
  if (worker) await closes.sleep(POLL_MS);
  while (!interrupt.aborted) {
    if (workerError) throw (workerError as { error: unknown }).error;
    try {
      const view = await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
        viewOf(temporal, store.batchId),
      );
      if (view.kind !== 'open') return { kind: 'closed', view };
      const progress = await client.withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
        handle.query(progressQuery),
      );
      trouble.over();
      const retries = await retriesOf(view);
      onProgress({ ...progress, etaSeconds: etaOf(progress, retries), retries });
      if (isStandstill(progress)) trouble.waiting(waitingOf(await openWorkflows(temporal, view)), progress);
      else trouble.waiting(null, progress);
      if (progress.state === 'paused' && !options.waitsForClose) {
        quiet = worker?.requestsInFlight ? 0 : quiet + 1;
        if (progress.counts.running === 0 || quiet > QUIET_POLLS) return { kind: 'paused', progress };
      } else {
        quiet = 0;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      await trouble.happened();
    }
    const isLong = quiet === 0 && performance.now() - startedAt > LONG_BATCH_MS;
    await closes.sleep(isLong ? LONG_BATCH_POLL_MS : POLL_MS);
  }
  return { kind: 'interrupted' };
}

/** Whether nothing has settled since the poll before: only then is it worth asking what the prompts wait for. */
function createStandstill(): (progress: Progress) => boolean {
  let before = -1;
  return ({ counts: { succeeded, failed } }) => {
    const settled = succeeded + failed;
    const same = settled === before;
    before = settled;
    return same;
  };
}

/** The server is away or busy, nobody answers queries yet, or the batch has closed between two calls. */
const isPassing = (error: unknown): boolean =>
  grpcErrorOf(error) !== null ||
  error instanceof WorkflowNotFoundError ||
  error instanceof QueryNotRegisteredError;

/** `null`: it lives and does not answer, which on a machine that is short of memory or disk may take its time. */
async function serverOf(config: Config, say: (line: string) => void): Promise<ServerInfo | null> {
  try {
    return await ensureServer({ home: config.home, env: config.env, log: say });
  } catch (error) {
    if (!(error instanceof SilentServerError)) throw error;
    say(`Still waiting. ${error.message}`);
    return null;
  }
}

/** Starts a lost embedded server again, and says what is being waited for, but not at every poll. */
function createTroubleNotes({ config, temporal, store, worker, note }: DriveOptions) {
  let saidAt = 0;
  let said = false;
  const say = (line: string): void => {
    if (Date.now() - saidAt < LOST_NOTE_MS) return;
    saidAt = Date.now();
    said = true;
    note(line);
  };
  let waitingSince: number | null = null;
  return {
    /** Said only where nothing else moves: a single prompt that waits is an everyday thing. */
    waiting: (waiting: Waiting | null, { state, counts }: Progress): void => {
      if (!waiting || state !== 'running' || counts.running === 0 || waiting.prompts < counts.running) {
        waitingSince = null;
        return;
      }
      const now = Date.now();
      waitingSince ??= now + WAITING_NOTE_AFTER_MS - WAITING_NOTE_EVERY_MS;
      if (now - waitingSince < WAITING_NOTE_EVERY_MS) return;
      waitingSince = now;
      note(waitingText(waiting, now));
    },
    over: (): void => {
      if (said) note('Going on.');
      said = false;
      saidAt = 0;
    },
    happened: async (): Promise<void> => {
      if (temporal.embedded) {
        const server = await serverOf(config, say);
        if (server === null) return;
        if (server.started) note('The Temporal server was gone and has been started again.');
        if (server.address !== temporal.address.address) {
          throw new Error(
            `the Temporal server is at ${server.address} now, since its old port was taken; ` +
              `nothing is lost: ${asTyped(commandLine`durabatch resume ${idWord(store.batchId)}`)}`,
          );
        }
      }
      if (worker === 'none' && !(await hasLiveWorker(temporal, store).catch(() => true))) {
        say(
          `No worker is on this batch. To continue: ${asTyped(commandLine`durabatch resume ${idWord(store.batchId)}`)}`,
        );
      } else {
        say('Waiting for the Temporal server to answer.');
      }
    },
  };
}

/** Of a batch that is over: another worker, or a cancel, has come before these answers. */
const overtakenNote = (requests: number): string =>
  `The batch is over. Waiting for ${requests} ${requests === 1 ? 'request' : 'requests'} in flight, so that their cost is recorded. Press Ctrl-C twice to exit at once.`;

const stoppingNote = (requests: number): string =>
  requests === 0
    ? 'Stopping: no request is in flight.'
    : `Stopping: waiting for ${requests} ${requests === 1 ? 'request' : 'requests'} in flight. Press Ctrl-C again to leave at once (they may be paid twice).`;
