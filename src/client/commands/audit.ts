import type { BatchStore } from '../../store/batch-store.ts';
import { type Audit, auditBatch } from '../audit/audit-batch.ts';
import { historiesOf, HistoryError } from '../audit/histories.ts';
import { readWorkflowRecords } from '../audit/workflow-receipts.ts';
import { locateBatch } from '../find/locate-batch.ts';
import { auditJson, auditText } from '../render/audit-text.ts';
import { connectTemporalIfRunning } from '../connect/temporal.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { commandLine } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

/** Compares the newest report and the workflow with the ledger; changes and starts nothing. Any difference is exit code 1. */
export async function auditCommand(
  id: string,
  options: { outputDir?: string },
  context: CommandContext,
): Promise<number> {
  const { json, print } = context;
  const store = await locateBatch(context.config, id, options.outputDir);
  const audit = await auditWithWorkflow(store, context).finally(() => store.close());
  const { paint, columns } = outputTraits();
  print(json ? auditJson(audit) : auditText(audit, { paint, columns }));
  return audit.total === 0 ? exitCodes.succeeded : exitCodes.unexpected;
}

/** With what the server has, or, where nothing can be had from it, without and saying why. */
async function auditWithWorkflow(store: BatchStore, { config }: CommandContext): Promise<Audit> {
  const temporal = await connectTemporalIfRunning(config).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  if (typeof temporal === 'string') return auditBatch(store, temporal);
  if (!temporal)
    return auditBatch(
      store,
      `the Temporal server is not running ("${asTyped(commandLine`durabatch server start`)}")`,
    );
  try {
    const records = await readWorkflowRecords(historiesOf(temporal), store).catch((error: unknown) => {
      if (error instanceof HistoryError) return `the Temporal server does not tell: ${error.message}`;
      throw error;
    });
    if (typeof records === 'string' || records.runs.length > 0) return await auditBatch(store, records);
    return await auditBatch(store, 'the Temporal server does not have this batch (any more)');
  } finally {
    await temporal.close();
  }
}
