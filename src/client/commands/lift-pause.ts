import { resumeUpdate, setUpdate } from '../../workflows/messages.ts';
import { requestedBy } from '../control/requested-by.ts';
import { flagsOfAccount } from '../options/limit-options.ts';
import type { ReachedBatch, UpdateResult } from '../control/reached-batch.ts';
import { settableLimits } from '../control/settable-limits.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { flagOfLimit } from './follow-run.ts';
import { printUpdateResult } from './print-update-result.ts';
import type { ResumeOptions } from './resume.ts';

/** What `resume` can do for a batch whose folder is not here: its worker must run there. */
export async function liftPause(
  batch: ReachedBatch,
  { typedLimits, typedAccount, reason }: ResumeOptions,
  context: CommandContext,
): Promise<number> {
  const changes = settableLimits(typedLimits);
  const ignored = [
    ...Object.keys(typedLimits)
      .filter((name) => !(name in changes))
      .map(flagOfLimit),
    ...flagsOfAccount(typedAccount ?? {}),
  ];
  if (ignored.length > 0)
    context.note(`The folder of this batch is not here; ignored: ${ignored.join(', ')}.`);
  const by = requestedBy(reason);
  let told: UpdateResult | null = null;
  if (Object.keys(changes).length > 0) told = await batch.tell(setUpdate, [changes, by]);
  // A new cost cap may have lifted it.
  if (told?.progress.state !== 'running') told = await batch.tell(resumeUpdate, [by]);
  await printUpdateResult('resume', batch, told, context);
  return exitCodes.succeeded;
}
