import type { NativeConnection } from '@temporalio/worker';
import { createPromptSlots, type PromptSlots } from '../../worker/prompt-slots.ts';
import type { StoreLocation } from '../../core/batch-layout.ts';
import { isBatchId } from '../../core/command-line.ts';
import { noteIdleTime } from '../../store/manifest/idle-notes.ts';
import { findOutputFolder, holdsBatch, openOutputFolder } from '../../store/output-folder.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { promptsDigests } from '../../store/prompts/prompts-digest.ts';
import { messageOf, StoreError } from '../../store/store-error.ts';
import { connectWorker, logWorkersTo, createBatchWorker, type KeyPolicy } from '../../worker/batch-worker.ts';
import { destinationOf, refusedKeyText, unusualAddress } from '../../providers/destination.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import { type AllowedAddress, sharedChargePolicy, sharedKeyPolicy } from '../trust/key-policy.ts';
import { registerBatch } from '../find/batch-registry.ts';
import { openStore } from '../find/locate-batch.ts';
import { letEnd } from '../follow/close-on-server.ts';
import { type SupervisedWorker, superviseWorker } from '../follow/supervised-worker.ts';
import { ensureServer } from '../../temporal-server/embedded-server.ts';
import { sweepDeadWorkers, sweeperOf } from '../follow/sweep-dead-workers.ts';
import { listRemoteBatches } from '../observe/remote-batch.ts';
import { isOf, viewOf } from '../observe/server-view.ts';
import { grpcErrorOf } from '../connect/grpc-error.ts';
import { connectTemporal, type Temporal } from '../connect/temporal.ts';
import { type CommandContext, interruptSignal } from './context.ts';
import { logLine } from './worker-log.ts';
import { exitCodes } from './exit-codes.ts';
import { abortableSleep } from '../../system/abortable-sleep.ts';

export interface WorkerOptions {
  outputDir: string;
  /** Prompts this process takes on at once, over all its batches. */
  concurrency: number;
  /** Where batches of others may use a key, besides the providers' own addresses. */
  allowBaseUrl: readonly AllowedAddress[];
}

const LOOK_EVERY_MS = 1000;
/** After this time without an answer, the server is asked again. */
const LIST_MS = 5000;

/** Works on every open batch of one output folder, those started later included, until it is interrupted. */
export async function workerCommand(
  { outputDir, concurrency, allowBaseUrl }: WorkerOptions,
  context: CommandContext,
): Promise<number> {
  const { config, note } = context;
  logWorkersTo((entry) => note(logLine(entry)));
  const { outputDir: folder } = await openOutputFolder(outputDir);
  const interrupt = interruptSignal();
  const temporal = await connectTemporal(config, note);
  const connection = await connectWorker(temporal.address);
  const slots = createPromptSlots(concurrency);
  const workers = new Map<string, SupervisedWorker>();
  const refused = new Set<string>();
  const damaged = new Map<string, string>();
  const digests: Duty['digests'] = new Map();
  note(
    `Working on the open batches in ${folder}, up to ${concurrency} prompts at once over all of them. Ctrl-C ends after the requests in flight.`,
  );
  try {
    while (!interrupt.aborted) {
      try {
        await tend({
          temporal,
          connection,
          folder,
          slots,
          workers,
          refused,
          damaged,
          digests,
          allowBaseUrl,
          interrupt,
          context,
        });
      } catch (error) {
        note(`Cannot look after the batches: ${error instanceof Error ? error.message : String(error)}`);
        if (temporal.embedded) await ensureServer({ home: config.home, env: config.env, log: note });
      }
      await abortableSleep(LOOK_EVERY_MS, interrupt);
    }
    const inFlight = [...workers.values()].reduce((sum, worker) => sum + worker.requestsInFlight, 0);
    note(`Stopping: ${inFlight} requests in flight are waited for.`);
  } finally {
    await Promise.all([...workers.values()].map((worker) => worker.leave()));
    await connection.close();
    await temporal.close();
  }
  return exitCodes.succeeded;
}

interface Duty {
  temporal: Temporal;
  connection: NativeConnection;
  folder: string;
  slots: PromptSlots;
  workers: Map<string, SupervisedWorker>;
  interrupt: AbortSignal;
  /** Ids of the batches of which was said that their key may not be used. */
  refused: Set<string>;
  /** What was said of batches that cannot be worked on, by their ids. */
  damaged: Map<string, string>;
  /** Hashes of batches' prompts, by their folders. */
  digests: Map<string, { revision: number; digests: readonly string[] | null }>;
  allowBaseUrl: readonly AllowedAddress[];
  context: CommandContext;
}

/**
 * Takes on batches that have opened, lets go of those that have closed, and saves what can be saved by now. The server's
 * list tells which are open, in one call whatever the folder holds; where it says something new, the batch itself is asked.
 */
async function tend(duty: Duty): Promise<void> {
  const { temporal, connection, folder, slots, workers, damaged, interrupt, context } = duty;
  const { config } = context;
  for (const worker of workers.values()) await worker.save();
  const location = await findOutputFolder(folder).catch(noFolder);
  const listed = new Set(location ? await openBatchIds(temporal, location) : []);
  const tendOne = async (id: string): Promise<void> => {
    const worker = workers.get(id);
    const isNews = worker ? !listed.has(id) && !worker.isLeaving : listed.has(id);
    if (!isNews) return;
    if (!location || !(await holdsBatch(folder, id))) return;
    const store = openStore(location, id);
    const view = await viewOf(temporal, id);
    const open = view.kind === 'open' && isOf(view, store);
    const note = (line: string): void => context.note(`${id}: ${line}`);
    if (open && !worker) {
      const manifest = await store.readManifest();
      // A process that noted the outcome died, or failed, before the server heard of it.
      const isOver = manifest.runs.at(-1)?.outcome !== undefined;
      const offered = { store, manifest, digests: await digestsOf(duty, store, manifest) };
      const mayUseKey = sharedKeyPolicy(config.home, offered, duty.allowBaseUrl);
      if (!isOver && !takesKey(duty, id, manifest, mayUseKey, note)) return;
      await rememberIfPossible(config.home, store.location, id);
      await sweepDeadWorkers(temporal, view);
      const ready = await createBatchWorker({
        connection,
        namespace: temporal.namespace,
        config,
        store,
        slots,
        idle: isOver,
        note,
        mayUseKey,
        mayCharge: sharedChargePolicy(config.home, store, duty.allowBaseUrl),
        onDeadWorkers: sweeperOf(temporal, id),
      });
      await noteIdleTime(store, note);
      const supervised = superviseWorker(ready.run(), store, note);
      workers.set(id, supervised);
      void supervised.gone.then(() => workers.delete(id));
      const unusual = unusualAddress(destinationOf(manifest.settings, manifest.limits));
      if (unusual !== null && !isOver) note(unusual);
      note(isOver ? 'its run is over: closing it on the server.' : 'working on it.');
      // Not waited for: other batches shall not wait with it.
      if (isOver) letEnd(temporal, id, interrupt).catch((error: unknown) => note(cannotClose(error)));
    } else if (!open && worker) {
      // Not waited for: it may take until there is room on the disk, and other batches shall not wait with it.
      void worker.leave().then(() => note('done.'));
    }
  };
  for (const id of new Set([...workers.keys(), ...listed])) {
    try {
      await tendOne(id);
      damaged.delete(id);
    } catch (error) {
      // The server is at fault, and is asked again for all of them.
      if (grpcErrorOf(error)) throw error;
      // Those behind it shall not wait until it is mended.
      const message = messageOf(error);
      if (damaged.get(id) !== message) context.note(`${id}: left alone. ${message}`);
      damaged.set(id, message);
    }
  }
}

const cannotClose = (error: unknown): string => `Could not close it on the server: ${messageOf(error)}`;

/** Whether the batch gets the key it asks for. Where it does not, that is said once. */
function takesKey(
  { refused, context: { config } }: Duty,
  id: string,
  { settings, limits }: Manifest,
  mayUseKey: KeyPolicy,
  note: (line: string) => void,
): boolean {
  const destination = destinationOf(settings, limits);
  if (config.secret(destination.apiKeyEnv) === undefined || mayUseKey(destination)) return true;
  if (!refused.has(id)) note(`left alone. ${refusedKeyText(destination)}`);
  refused.add(id);
  return false;
}

/** Read once for each revision of the manifest: a batch that is left alone is looked at every second. */
async function digestsOf(
  { digests }: Duty,
  store: BatchStore,
  manifest: Manifest,
): Promise<readonly string[] | null> {
  const revision = manifest.revision ?? 0;
  const known = digests.get(store.folder);
  if (known?.revision === revision) return known.digests;
  const read = await promptsDigests(store.folder, manifest).catch(noPrompts);
  digests.set(store.folder, { revision, digests: read });
  return read;
}

/** The batch itself says what is wrong with it: others shall not wait. */
function noPrompts(error: unknown): null {
  if (error instanceof StoreError) return null;
  throw error;
}

/** By the server's list, in one call. Whoever reaches the server can start a workflow of any id: others than those of batches are left out. */
async function openBatchIds(temporal: Temporal, store: StoreLocation): Promise<string[]> {
  const listings = await temporal.client.withDeadline(Date.now() + LIST_MS, () =>
    listRemoteBatches(temporal, { store, openOnly: true }),
  );
  return listings.map(({ batchId }) => batchId).filter(isBatchId);
}

/** The folder is missing: work in progress continues. */
function noFolder(error: unknown): null {
  if (error instanceof StoreError) return null;
  throw error;
}

/**
 * So that `status <id>` needs no folder on this machine either. A worker needs no state of its own: in a container it may have
 * no home that it can write.
 */
async function rememberIfPossible(home: string, location: StoreLocation, id: string): Promise<void> {
  try {
    await registerBatch(home, location, id);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
