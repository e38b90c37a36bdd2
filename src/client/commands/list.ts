import type { BatchState } from '../../contract.ts';
import { statusOf } from '../batch-status.ts';
import { batchesOnServer, knownStores } from '../known-batches.ts';
import { remoteStatusOf } from '../remote-batch.ts';
import { listText } from '../render/list-text.ts';
import { type BatchStatus, statusJson } from '../render/status-text.ts';
import { StoreError } from '../../store/store-error.ts';
import { connectTemporalIfRunning } from '../temporal.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** So many batches are asked at a time. */
const AT_ONCE = 8;

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
    let unread = 0;
    const questions: (() => Promise<BatchStatus | null>)[] = stores.map(
      (store) => () =>
        statusOf(temporal, store).catch((error: unknown) => {
          if (!(error instanceof StoreError)) throw error;
          unread++;
          note(`${store.batchId} is not listed: ${error.message}`);
          return null;
        }),
    );
    if (temporal && outputDir === undefined) {
      // A server that does not answer knows nothing for now.
      const { others } = await batchesOnServer(temporal, stores).catch(() => ({ others: [] }));
      questions.push(...others.map((listing) => () => remoteStatusOf(temporal, listing)));
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

async function answersTo<T>(questions: readonly (() => Promise<T>)[]): Promise<T[]> {
  const answers: T[] = [];
  const queue = questions.values();
  const ask = async (): Promise<void> => {
    for (const question of queue) answers.push(await question());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return answers;
}
