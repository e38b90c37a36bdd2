import { type BatchStore } from '../../store/batch-store.ts';
import { listBatches } from '../../store/output-folder.ts';
import { listRegistered } from '../batch-registry.ts';
import { statusOf } from '../batch-status.ts';
import { batchIn, openStore } from '../locate-batch.ts';
import { DEFAULT_OUTPUT_DIR } from '../options/run-defaults.ts';
import { listText } from '../render/list-text.ts';
import { statusJson } from '../render/status-text.ts';
import { connectTemporalIfRunning } from '../temporal.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** Newest first. */
export async function listCommand(options: { outputDir?: string }, context: CommandContext): Promise<number> {
  const { config, json, print } = context;
  const temporal = await connectTemporalIfRunning(config).catch(() => null);
  try {
    const statuses = [];
    for (const store of await knownStores(options.outputDir, context))
      statuses.push(await statusOf(temporal, store));
    statuses.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
    if (json) for (const status of statuses) print(statusJson(status));
    else print(listText(statuses, Date.now()));
    return exitCodes.succeeded;
  } finally {
    await temporal?.close();
  }
}

/** Those of the named folder; without one, those this machine remembers and those of the default folder. */
async function knownStores(outputDir: string | undefined, { config }: CommandContext): Promise<BatchStore[]> {
  const stores = new Map<string, BatchStore>();
  const add = (store: BatchStore | null): void => void (store && stores.set(store.folder, store));
  const folder = outputDir ?? DEFAULT_OUTPUT_DIR;
  for (const id of await listBatches(folder)) add(await batchIn(folder, id));
  if (outputDir === undefined) {
    for (const entry of await listRegistered(config.home)) add(openStore(entry, entry.batchId));
  }
  return [...stores.values()];
}
