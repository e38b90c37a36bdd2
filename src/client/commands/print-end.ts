/** What is printed when a command leaves a batch, and the exit code that goes with it. */
import type { BatchOutcome } from '../../core/outcome.ts';
import type { Progress } from '../../core/progress.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { batchSummary } from '../observe/batch-summary.ts';
import type { ContinueEnd } from '../start/continue-batch.ts';
import { summaryJson, summaryText } from '../render/summary-text.ts';
import { viewOf } from '../observe/server-view.ts';
import type { Temporal } from '../connect/temporal.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { joinTerminal, terminalLines } from '../../system/terminal-output.ts';
import { toShownUrl } from '../render/shown-url.ts';
import { commandLine, idWord, shellWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

export async function printEnd(
  store: BatchStore,
  end: ContinueEnd,
  temporal: Temporal,
  context: CommandContext,
): Promise<number> {
  switch (end.kind) {
    case 'finished':
      return printFinished(store, end.outcome, context, temporal);
    case 'paused':
      return printPaused(store, end.progress, context, temporal);
    case 'interrupted': {
      const command = commandLine`durabatch resume ${idWord(store.batchId)}`;
      if (context.json)
        context.print({
          type: 'interrupted',
          batch_id: store.batchId,
          next_step: { advice: 'Every answer that came back is kept. To continue:', command },
        });
      else
        context.print(
          terminalLines([
            'Stopped. Every answer that came back is kept. To continue:',
            `  ${asTyped(command)}`,
          ]),
        );
      return exitCodes.interrupted;
    }
    default:
      throw new Error(
        `the batch was ended from outside (${end.how}), so there is no report of this run. ` +
          `Every answer that came back is kept; to continue: ${asTyped(commandLine`durabatch resume ${idWord(store.batchId)}`)}`,
      );
  }
}

export async function printPaused(
  store: BatchStore,
  progress: Progress,
  context: CommandContext,
  temporal: Temporal | null,
): Promise<number> {
  await printSummary(store, { progress }, context, temporal);
  return exitCodes.paused;
}

export async function printFinished(
  store: BatchStore,
  outcome: BatchOutcome,
  context: CommandContext,
  temporal: Temporal | null = null,
): Promise<number> {
  await printSummary(store, { outcome }, context, temporal);
  return exitCodeOf(outcome.state);
}

async function printSummary(
  store: BatchStore,
  end: Parameters<typeof batchSummary>[1],
  { json, print }: CommandContext,
  temporal: Temporal | null,
): Promise<void> {
  const view = temporal && (await viewOf(temporal, store.batchId));
  const runId = view && view.kind !== 'absent' ? view.runId : undefined;
  const summary = await batchSummary(store, end, temporal, runId);
  const { paint, columns } = outputTraits();
  print(
    json ? summaryJson(summary) : joinTerminal(terminalLines(['']), summaryText(summary, { paint, columns })),
  );
}

export async function printDetached(
  store: BatchStore,
  temporal: Temporal,
  { json, print }: CommandContext,
): Promise<number> {
  const webUi = temporal.webUiOf(store.batchId);
  const worker = commandLine`durabatch worker --output-dir ${shellWord(store.location.outputDir, '<folder>')}`;
  if (json) {
    print({
      type: 'started',
      batch_id: store.batchId,
      output_dir: store.location.outputDir,
      web_ui: webUi,
      next_step: { advice: 'Its work is done by a worker. Where none runs yet:', command: worker },
    });
  } else {
    print(
      terminalLines([
        `Batch ${store.batchId} is started. Its work is done by a worker; where none runs yet:`,
        `  ${asTyped(worker)}`,
        `To follow it:  ${asTyped(commandLine`durabatch watch ${idWord(store.batchId)}`)}`,
        ...(webUi ? [`Web UI:      ${toShownUrl(webUi)}`] : []),
      ]),
    );
  }
  return exitCodes.succeeded;
}
