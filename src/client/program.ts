import { createRequire } from 'node:module';
import { Argument, Command } from 'commander';
import { answerShell } from './command-line/answer-shell.ts';
import { ASK, type Shell, shells } from './command-line/completion-script.ts';
import { refuseUnknownTopic } from './command-line/explain-misuse.ts';
import { addCommandHelp, configureHelp } from './command-line/command-help.ts';
import { flagsLast } from './command-line/flags-last.ts';
import { ignoreClosedOutput } from './command-line/ignore-closed-output.ts';
import { resolveIds, takesIds } from './command-line/resolve-ids.ts';
import { resolveOperands } from './command-line/resolve-operands.ts';
import { printError, wantsDebug } from './command-line/print-error.ts';
import { knownIds, printMisuse } from './command-line/print-misuse.ts';
import { type CommandContext, createContext, createContextAnyway } from './commands/context.ts';
import { writeOut } from '../system/terminal-output.ts';
import { toTerminalBlock } from './render/terminal-text.ts';
import { parseBatchId } from './options/batch-id.ts';
import { addDestinationOptions, parseDestinationOptions } from './options/destination-options.ts';
import { addDoctorOptions, parseDoctorOptions } from './options/doctor-options.ts';
import { addEstimateOptions } from './options/estimate-options.ts';
import { addListOptions, parseListOptions } from './options/list-options.ts';
import { addReasonOption, parseReason } from './options/reason-option.ts';
import { addReportOptions, parseReportOptions } from './options/report-options.ts';
import { addResumeOptions, parseResumeOptions } from './options/resume-options.ts';
import { addRunOptions, parseRunOptions } from './options/run-options.ts';
import { addSetOptions, parseSetOptions } from './options/set-options.ts';
import { addJsonOption, addOutputDirOption, parseSharedOptions } from './options/shared-options.ts';
import { addTailOptions, parseTailOptions } from './options/tail-options.ts';
import { addWorkerOptions, parseWorkerOptions } from './options/worker-options.ts';
import { savePaidWork } from './follow/unexpected-end.ts';

const { version } = createRequire(import.meta.url)('durabatch/package.json') as {
  version: string;
};

type Raw = Record<string, unknown>;

const ID_HELP = 'id of the batch, as printed by "run" and "list", or its beginning; @last: the newest';
const serverActions = 'start|stop|status';

/** All commands. What is wrong with a command line is thrown, and nothing is printed of it. */
export function createProgram(): Command {
  const program = configureHelp(new Command('durabatch'))
    .description(
      'Runs a file of prompts through an LLM API. Every answer is saved as it arrives and never paid for twice.',
    )
    .version(version, '-V, --version', 'print the version')
    .option('--debug', 'show where in the code an error was')
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .hook('preAction', async (_program, command) => {
      await resolveOperands(command, knownIds);
      if (!takesIds(command)) return;
      const { loadConfig } = await import('../config.ts');
      await resolveIds(command, loadConfig(process.env, process.cwd()));
    });

  addRunOptions(
    program
      .command('run')
      .description('start a batch from a file, or continue it')
      .argument('<file>', 'prompts: JSON or JSON Lines'),
  ).action((file: string, raw: Raw) =>
    perform(raw, async (context) => {
      const options = parseRunOptions(raw);
      const { runCommand } = await import('./commands/run.ts');
      return runCommand(file, options, context);
    }),
  );
  addEstimateOptions(
    program
      .command('estimate')
      .description('estimate tokens, cost and time of a file; starts nothing')
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
      onBatch(program.command('resume').description('resume a batch that was stopped or paused')),
    ),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), { ...parseResumeOptions(raw), reason: parseReason(raw) }];
      const { resumeCommand } = await import('./commands/resume.ts');
      return resumeCommand(batchId, options, context);
    }),
  );
  addResumeOptions(
    onBatch(program.command('retry').description('run the failed prompts of a finished batch again')),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), parseResumeOptions(raw)];
      const { retryCommand } = await import('./commands/retry.ts');
      return retryCommand(batchId, options, context);
    }),
  );
  addReasonOption(
    onBatch(
      program.command('pause').description('pause a batch: prompts in progress finish, no others start'),
    ),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), { ...parseSharedOptions(raw), reason: parseReason(raw) }];
      const { pauseCommand } = await import('./commands/pause.ts');
      return pauseCommand(batchId, options, context);
    }),
  );
  addReasonOption(
    addDestinationOptions(
      addJsonOption(
        addOutputDirOption(
          program
            .command('add')
            .description('add prompts to a batch; if it is finished, start another run for them')
            .argument('<id>', ID_HELP)
            .argument('<file>', 'prompts: JSON or JSON Lines'),
        ),
      ),
    ).option('--detach', 'if this starts a run, leave the work to a "durabatch worker"'),
  ).action((id: string, file: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [
        parseBatchId(id),
        {
          ...parseSharedOptions(raw),
          ...parseDestinationOptions(raw),
          reason: parseReason(raw),
          detach: raw['detach'] === true,
        },
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
  onBatch(program.command('status').description('show the status of a batch')).action(
    (id: string, raw: Raw) =>
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
        .description('watch one or more batches until they finish')
        .argument(
          '[id...]',
          'ids of batches, also of other machines, or their beginnings; @last: the newest (default: all that are open)',
        ),
    ),
  ).action((ids: string[], raw: Raw) =>
    perform(raw, async (context) => {
      const [batchIds, options] = [ids.map(parseBatchId), parseSharedOptions(raw)];
      const { watchCommand } = await import('./commands/watch.ts');
      return watchCommand(batchIds, options, context);
    }),
  );
  addTailOptions(onBatch(program.command('tail').description('print completions as they arrive'))).action(
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
  onBatch(program.command('cancel').description('cancel a batch and report the answers it has'))
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
  addReportOptions(
    onBatch(program.command('report').description('write the reports again, from the ledger')),
  ).action((id: string, raw: Raw) =>
    perform(raw, async (context) => {
      const [batchId, options] = [parseBatchId(id), parseReportOptions(raw)];
      const { reportCommand } = await import('./commands/report.ts');
      return reportCommand(batchId, options, context);
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
    program.command('worker').description('run a worker for the open batches of a folder'),
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
      .description('start, stop or show the embedded Temporal server')
      .argument(`<${serverActions}>`, 'what to do'),
  ).action((action: string, raw: Raw) =>
    perform(raw, async (context) => {
      const { serverCommand } = await import('./commands/server.ts');
      return serverCommand(action, context);
    }),
  );
  addDoctorOptions(
    program.command('doctor').description('check that everything a run needs is in place'),
  ).action((raw: Raw) =>
    perform(
      raw,
      async (context) => {
        const options = parseDoctorOptions(raw);
        const { doctorCommand } = await import('./commands/doctor.ts');
        return doctorCommand(options, context);
      },
      createContextAnyway,
    ),
  );
  addJsonOption(
    program
      .command('completion')
      .description('print the shell completion script')
      .addArgument(new Argument('<shell>', 'whose completion').choices(shells)),
  ).action((shell: Shell, raw: Raw) =>
    perform(raw, async (context) => {
      const { completionCommand } = await import('./commands/completion.ts');
      return completionCommand(shell, context);
    }),
  );
  return addCommandHelp(program);
}

const onBatch = (command: Command): Command =>
  addJsonOption(addOutputDirOption(command.argument('<id>', ID_HELP)));

/** Runs a command, loaded only now, to its exit code. What a person can put right is told without a stack. */
async function perform(
  raw: Raw,
  command: (context: CommandContext) => Promise<number>,
  contextOf = createContext,
): Promise<void> {
  const json = raw['json'] === true;
  try {
    process.exitCode = await command(contextOf(json));
  } catch (error) {
    process.exitCode = printError(error, { json, debug });
  }
}

const debug = wantsDebug(process.argv, process.env);

let isEnding = false;

/** Reports uncaught exceptions and rejections, and ends the process once what was paid for is saved. */
async function endUnexpectedly(error: unknown): Promise<void> {
  const exitCode = printError(error, { json: process.argv.includes('--json'), debug });
  // Errors on the way are reported and change nothing.
  if (isEnding) return;
  isEnding = true;
  try {
    await savePaidWork();
  } finally {
    process.exit(exitCode);
  }
}

/** Runs the command that this process was started with, to its exit code. */
export async function main(): Promise<void> {
  ignoreClosedOutput(process.stdout);
  ignoreClosedOutput(process.stderr);
  process.on('uncaughtException', (error) => void endUnexpectedly(error));
  const program = createProgram();
  const given = process.argv.slice(2);
  if (given[0] === ASK) {
    const question = { program, asked: given.slice(1), batchIds: knownIds, env: process.env };
    return writeOut(toTerminalBlock(await answerShell(question)));
  }
  const typed = flagsLast(program, given);
  try {
    refuseUnknownTopic(program, typed);
    await program.parseAsync(typed, { from: 'user' });
  } catch (error) {
    process.exitCode = await printMisuse(error, program, typed, debug);
  }
}
