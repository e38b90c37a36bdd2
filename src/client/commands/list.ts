import type { BatchState } from '../../core/progress.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { statusOf } from '../observe/batch-status.ts';
import { batchesOnServer, knownStores, type ServerBatches } from '../find/known-batches.ts';
import { isGone, remoteStatusOf } from '../observe/remote-batch.ts';
import { listText } from '../render/list-text.ts';
import { type BatchStatus, statusJson } from '../render/status-text.ts';
import { isFolderFault } from '../../store/store-error.ts';
import { connectTemporalIfRunning, type Temporal } from '../connect/temporal.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** So many batches are asked at a time. */
const AT_ONCE = 8;
const LIST_MS = 5000;

/**
 * Newest first: those of known folders, and without a named folder those that only the server knows. One that cannot be
 * read does not hide the others.
 */
export async function listCommand(
  { outputDir, states }: { outputDir?: string; states: BatchState[] },
  context: CommandContext,
): Promise<number> {
  const { config, json, print, note } = context;
  const temporal = await connectTemporalIfRunning(config).catch(() => null);
  try {
    const stores = await knownStores(config, outputDir);
    const known = temporal && (await serverBatches(temporal, stores, outputDir));
    const unlisted = known?.isComplete === false ? undefined : null;
    let unread = 0;
    const questions: (() => Promise<BatchStatus | null>)[] = stores.map(
      (batch) => () =>
        statusOf(temporal, batch, known?.ours.get(batch) ?? unlisted).catch((error: unknown) => {
          if (!isFolderFault(error)) throw error;
          unread++;
          note(`${batch.batchId} is not listed: ${error.message}`);
          return null;
        }),
    );
    if (temporal && known && outputDir === undefined) {
      const ids = new Set(stores.map(({ batchId }) => batchId));
      questions.push(
        ...known.others.map((listing) => async () => {
          // Its id reaches the batch that is here, and nothing is left to be done with it.
          const isReplaced = !listing.isOpen && ids.has(listing.batchId) && (await isGone(listing));
          return isReplaced ? null : remoteStatusOf(temporal, listing);
        }),
      );
    }
    const statuses = (await answersTo(questions))
      .filter((status) => status !== null)
      .filter(({ state }) => states.length === 0 || states.includes(state))
      .sort((a, b) => b.startedAt.localeCompare(a.startedAt));
    const { paint, columns } = outputTraits();
    if (json) for (const status of statuses) print(statusJson(status));
    else if (statuses.length > 0 || unread === 0)
      print(listText(statuses, Date.now(), { paint, columns }, states));
    return exitCodes.succeeded;
  } finally {
    await temporal?.close();
  }
}

/** Of a folder that was named, only its own; `null`: a server that does not answer knows nothing for now. */
function serverBatches(
  temporal: Temporal,
  stores: readonly BatchStore[],
  outputDir: string | undefined,
): Promise<ServerBatches | null> {
  const store = outputDir === undefined ? undefined : stores[0]?.location;
  return temporal.client
    .withDeadline(Date.now() + LIST_MS, () => batchesOnServer(temporal, stores, store ? { store } : {}))
    .catch(() => null);
}

async function answersTo<T>(questions: readonly (() => Promise<T>)[]): Promise<T[]> {
  const answers: T[] = [];
  const queue = questions.values();
  const ask = async (): Promise<void> => {
    for (const question of queue) answers.push(await question());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return answers;
}
