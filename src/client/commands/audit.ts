import type { BatchStore } from '../../store/batch-store.ts';
import { auditBatch } from '../audit/audit-batch.ts';
import { readWorkflowRecords, type WorkflowRecords } from '../audit/workflow-receipts.ts';
import { locateBatch } from '../locate-batch.ts';
import { auditJson, auditText } from '../render/audit-text.ts';
import { connectTemporalIfRunning } from '../temporal.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** Compares the newest report and the workflow with the ledger; changes and starts nothing. Any difference is exit code 1. */
export async function auditCommand(
  id: string,
  options: { outputDir?: string },
  context: CommandContext,
): Promise<number> {
  const { json, print } = context;
  const store = await locateBatch(context.config, id, options.outputDir);
  const audit = await auditBatch(store, await workflowOf(store, context));
  const { paint, columns } = outputTraits();
  print(json ? auditJson(audit) : auditText(audit, { paint, columns }));
  return audit.total === 0 ? exitCodes.succeeded : exitCodes.unexpected;
}

/** What the server has, or why nothing can be had from it. */
async function workflowOf(store: BatchStore, { config }: CommandContext): Promise<WorkflowRecords | string> {
  const unanswered = (error: unknown): string => (error instanceof Error ? error.message : String(error));
  const temporal = await connectTemporalIfRunning(config).catch(unanswered);
  if (typeof temporal === 'string') return temporal;
  if (!temporal) return 'the Temporal server is not running ("durabatch server start")';
  try {
    const records = await readWorkflowRecords(temporal, store).catch(unanswered);
    if (typeof records === 'string') return `the Temporal server does not tell: ${records}`;
    return records.runs.length > 0 ? records : 'the Temporal server does not have this batch (any more)';
  } finally {
    await temporal.close();
  }
}
