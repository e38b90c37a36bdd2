import { statusOf } from '../batch-status.ts';
import { locateBatch } from '../locate-batch.ts';
import { statusJson, statusText } from '../render/status-text.ts';
import { connectTemporalIfRunning } from '../temporal.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** Starts nothing, and answers also where no server and no worker lives. */
export async function statusCommand(
  id: string,
  options: { outputDir?: string },
  context: CommandContext,
): Promise<number> {
  const { config, json, print } = context;
  const store = await locateBatch(config, id, options.outputDir);
  const temporal = await connectTemporalIfRunning(config).catch(() => null);
  try {
    const status = await statusOf(temporal, store);
    const { paint, columns } = outputTraits();
    print(json ? statusJson(status) : statusText(status, { paint, columns }));
    return exitCodes.succeeded;
  } finally {
    await temporal?.close();
  }
}
