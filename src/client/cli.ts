#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { StoreError } from '../store/store-error.ts';
import { type CommandContext, createContext } from './commands/context.ts';
import { exitCodes } from './commands/exit-codes.ts';
import { growHeapLittle } from './heap-growth.ts';
import { InputError } from './input/input-error.ts';
import { parseBatchId } from './options/batch-id.ts';
import { addListOptions, parseListOptions } from './options/list-options.ts';
import { addReasonOption, parseReason } from './options/reason-option.ts';
import { addResumeOptions, parseResumeOptions } from './options/resume-options.ts';
import { addRunOptions, parseRunOptions } from './options/run-options.ts';
import { addSetOptions, parseSetOptions } from './options/set-options.ts';
import { addJsonOption, addOutputDirOption, parseSharedOptions } from './options/shared-options.ts';
import { addTailOptions, parseTailOptions } from './options/tail-options.ts';
import { UsageError } from './options/usage-error.ts';
import { asTyped } from './render/typed-command.ts';
import { addWorkerOptions, parseWorkerOptions } from './options/worker-options.ts';
import { toTerminalJson, toTerminalLines } from './render/terminal-text.ts';

const { version } = createRequire(import.meta.url)('durabatch/package.json') as { version: string };

type Raw = Record<string, unknown>;

const serverActions = 'start|stop|status';

function createProgram(): Command {
  const program = new Command('durabatch')
    .description('Runs a file of prompts through an LLM API; what came back is kept and never bought again.')
    .version(version)
    .exitOverride()
    .addHelpText('after', '\nTo begin: durabatch run prompts/sample_batch.json --provider simulated');

  addRunOptions(
    program
      .command('run')
      .description('run a file of prompts, or go on with it')
      .argument('<file>', 'prompts: JSON or JSON Lines'),
  ).action((file: string, raw: Raw) =>
    perform(raw, async (context) => {
      const options = parseRunOptions(raw);
      const { runCommand } = await import('./commands/run.ts');
      return runCommand(file, options, context);
    }),
  );
  addRunOptions(
    program
      .command('estimate')
      .description('say what a file would take: tokens, cost, time; starts nothing')
      .argument('<file>', 'prompts: JSON or JSON Lines'),
  ).action((file: string, raw: Raw) =>
    perform(raw, async (context) => {
      const options = parseRunOptions(raw);
      const { estimateCommand } = await import('./commands/estimate.ts');
      return estimateCommand(file, options, context);
    }),
  );
  addResumeOptions(
    addReasonOption(
      onBatch(program.command('resume').description('make a batch go on, whatever stopped it')),
    ),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), { ...parseResumeOptions(raw), reason: parseReason(raw) }];
      const { resumeCommand } = await import('./commands/resume.ts');
      return resumeCommand(batchId, options, context);
    }),
  );
  addResumeOptions(
    onBatch(program.command('retry').description('run only the failed prompts of a finished batch again')),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), parseResumeOptions(raw)];
      const { retryCommand } = await import('./commands/retry.ts');
      return retryCommand(batchId, options, context);
    }),
  );
  addReasonOption(
    onBatch(
      program.command('pause').description('start nothing more until resumed; prompts in progress finish'),
    ),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), { ...parseSharedOptions(raw), reason: parseReason(raw) }];
      const { pauseCommand } = await import('./commands/pause.ts');
      return pauseCommand(batchId, options, context);
    }),
  );
  addReasonOption(
    addJsonOption(
      addOutputDirOption(
        program
          .command('add')
          .description(
            'add prompts to a batch: it takes them while it runs; finished, it runs again for them',
          )
          .argument('<id>', 'id of the batch, as printed by "run" and "list"')
          .argument('<file>', 'prompts: JSON or JSON Lines'),
      ),
    ).option('--detach', 'where that starts a run: leave the work to a "durabatch worker"'),
  ).action((id: string, file: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [
        parseBatchId(id),
        { ...parseSharedOptions(raw), reason: parseReason(raw), detach: raw['detach'] === true },
      ];
      const { addCommand } = await import('./commands/add.ts');
      return addCommand(batchId, file, options, context);
    }),
  );
  addSetOptions(
    onBatch(program.command('set').description('change limits of a running or paused batch')),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), parseSetOptions(raw)];
      const { setCommand } = await import('./commands/set.ts');
      return setCommand(batchId, options, context);
    }),
  );
  onBatch(program.command('status').description('say how a batch stands')).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), parseSharedOptions(raw)];
      const { statusCommand } = await import('./commands/status.ts');
      return statusCommand(batchId, options, context);
    }),
  );
  addJsonOption(
    addOutputDirOption(
      program
        .command('watch')
        .description('look on until a batch stops, or several')
        .argument('[id...]', 'ids of batches, also of other machines (default: all that are open)'),
    ),
  ).action((ids: string[], raw: Raw) =>
    perform(raw, async (context) => {
      const [batchIds, options] = [ids.map(parseBatchId), parseSharedOptions(raw)];
      const { watchCommand } = await import('./commands/watch.ts');
      return watchCommand(batchIds, options, context);
    }),
  );
  addTailOptions(onBatch(program.command('tail').description('print completions as they come'))).action(
    (id: string, raw: Raw) =>
      perform(raw, async (context) => {
        const [batchId, options] = [parseBatchId(id), parseTailOptions(raw)];
        const { tailCommand } = await import('./commands/tail.ts');
        return tailCommand(batchId, options, context);
      }),
  );
  addListOptions(program.command('list').description('list the batches')).action((raw: Raw) =>
    perform(raw, async (context) => {
      const options = parseListOptions(raw);
      const { listCommand } = await import('./commands/list.ts');
      return listCommand(options, context);
    }),
  );
  onBatch(program.command('cancel').description('end a batch; what came back is reported'))
    .option('--now', 'do not wait for the prompts in progress (default: up to 60 s)')
    .action((id: string, raw: Raw) =>
      perform(raw, async (context) => {
        const [batchId, options] = [
          parseBatchId(id),
          { ...parseSharedOptions(raw), now: raw['now'] === true },
        ];
        const { cancelCommand } = await import('./commands/cancel.ts');
        return cancelCommand(batchId, options, context);
      }),
    );
  onBatch(program.command('report').description('write the reports again, from the ledger'))
    .option('--to <folder>', "folder for the files (default: the batch's output folder)")
    .action((id: string, raw: Raw) =>
      perform(raw, async (context) => {
        const to = raw['to'] as string | undefined;
        const [batchId, options] = [parseBatchId(id), parseSharedOptions(raw)];
        const { reportCommand } = await import('./commands/report.ts');
        return reportCommand(batchId, { ...options, ...(to === undefined ? {} : { to }) }, context);
      }),
    );
  onBatch(
    program.command('audit').description("compare a batch's report and workflow with its ledger"),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), parseSharedOptions(raw)];
      const { auditCommand } = await import('./commands/audit.ts');
      return auditCommand(batchId, options, context);
    }),
  );
  addWorkerOptions(
    program.command('worker').description('work on the open batches of a folder, until interrupted'),
  ).action((raw: Raw) =>
    perform(raw, async (context) => {
      const options = parseWorkerOptions(raw);
      const { workerCommand } = await import('./commands/worker.ts');
      return workerCommand(options, context);
    }),
  );
  addJsonOption(
    program
      .command('server')
      .description('the embedded Temporal server')
      .argument(`<${serverActions}>`, 'what to do'),
  ).action((action: string, raw: Raw) =>
    perform(raw, async (context) => {
      const { serverCommand } = await import('./commands/server.ts');
      return serverCommand(action, context);
    }),
  );
  return program;
}

const onBatch = (command: Command): Command =>
  addJsonOption(
    addOutputDirOption(command.argument('<id>', 'id of the batch, as printed by "run" and "list"')),
  );

/** Runs a command, loaded only now, to its exit code. What a person can put right is told without a stack. */
async function perform(raw: Raw, command: (context: CommandContext) => Promise<number>): Promise<void> {
  const json = raw['json'] === true;
  growHeapLittle();
  try {
    process.exitCode = await command(createContext(json));
  } catch (error) {
    process.exitCode =
      error instanceof UsageError || error instanceof InputError || error instanceof StoreError
        ? exitCodes.usage
        : exitCodes.unexpected;
    const message = error instanceof Error ? error.message : String(error);
    if (json)
      process.stdout.write(`${toTerminalJson({ type: 'error', exit_code: process.exitCode, message })}\n`);
    process.stderr.write(`error: ${toTerminalLines(asTyped(message, process.env))}\n`);
    if (
      process.exitCode === exitCodes.unexpected &&
      process.env['DURABATCH_DEBUG'] &&
      error instanceof Error
    ) {
      process.stderr.write(`${error.stack}\n`);
    }
  }
}

try {
  await createProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help and version are no errors; everything else commander has told on standard error.
  process.exitCode = error.exitCode === 0 ? exitCodes.succeeded : exitCodes.usage;
}
