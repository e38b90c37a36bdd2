/** The one list of commands: their operands, flags and help, and where each is run. */
import type { CommandContext } from './commands/context.ts';
import { createContextAnyway } from './commands/context.ts';
import { shells, type Shell } from './command-line/completion-script.ts';
import {
  addFlags,
  batchFlags,
  cancelFlags,
  doctorFlags,
  type Flags,
  jsonFlag,
  listFlags,
  reasonFlag,
  reportFlags,
  resumeFlags,
  retryFlags,
  runFlags,
  setFlags,
  showingOnly,
  tailFlags,
  workerFlags,
} from './options/flags.ts';
import { priceFaults, toLimitChanges, toTypedLimits } from './options/limit-options.ts';
import { type FlagFault, type FlagValues, parseFlags } from './options/parse-flags.ts';
import { addressFaults, runFaults, toRunOptions } from './options/run-options.ts';
import { UsageError } from './usage-error.ts';

export const groups = ['Run', 'Monitor', 'Control', 'Results', 'Set up'] as const;

interface CommandHelp {
  /** With its operands, as in `add <id> <file>`. */
  usage: string;
  group: (typeof groups)[number];
  description: string;
  flags: Flags;
  /** Command lines, as they can be typed. */
  examples: readonly string[];
  /** What the exit code says, where it says more than "done". */
  exitCodes?: string;
  /** Added to the end of its help. */
  note?: string;
  /** What is said of operands that other commands do not have, or have with another meaning. */
  operands?: Readonly<Record<string, string>>;
  /** Values of its operand. */
  choices?: readonly string[];
  /** Default: one that refuses an environment that cannot be used. */
  contextOf?: (json: boolean) => CommandContext;
}

export interface CommandRow extends CommandHelp {
  /** Runs the command to its exit code. Throws `UsageError` where commander's values are not what they should be. */
  run(raw: Record<string, unknown>, context: CommandContext, ...operands: string[]): Promise<number>;
}

interface CommandDefinition<F extends Flags, Options> extends CommandHelp {
  flags: F;
  /** What is wrong with flags beside others. */
  check?(values: FlagValues<F>): FlagFault[];
  /** Default: the values of the flags. */
  toOptions?(values: FlagValues<F>): Options;
  /** Its code is loaded only now: most commands need little of it. */
  run(options: Options, context: CommandContext, ...operands: string[]): Promise<number>;
}

function command<F extends Flags, Options = FlagValues<F>>(
  definition: CommandDefinition<F, Options>,
): CommandRow {
  const { flags, check, toOptions = (values) => values as Options, run } = definition;
  return {
    ...definition,
    run: (raw, context, ...operands) => run(toOptions(parseFlags(flags, raw, check)), context, ...operands),
  };
}

export const operandHelp: Readonly<Record<string, string>> = {
  file: 'prompts: JSON or JSON Lines',
  id: 'id of the batch, as printed by "run" and "list", or its beginning; @last: the newest',
};

const endOfBatch =
  '0 all prompts succeeded, 3 finished with failed prompts,\n4 cancelled, 5 paused, 130 interrupted';

const toRetryOptions = ({ baseUrl, ...flags }: FlagValues<typeof retryFlags>) => ({
  ...flags,
  ...(baseUrl !== undefined && { typedBaseUrl: baseUrl }),
  ...toTypedLimits(flags),
});

export const commands: readonly CommandRow[] = [
  command({
    usage: 'run <file>',
    group: 'Run',
    description: 'start a batch from a file, or continue it',
    flags: runFlags,
    examples: [
      'durabatch run prompts.json --completions 4 --max-workers 20',
      'durabatch run prompts.json --provider simulated',
      'durabatch run prompts.json --provider openai --model gpt-4.1-mini',
    ],
    exitCodes: endOfBatch,
    check: runFaults,
    toOptions: toRunOptions,
    run: async (options, context, file) =>
      (await import('./commands/run.ts')).runCommand(file, options, context),
  }),
  command({
    usage: 'estimate <file>',
    group: 'Run',
    description: 'estimate tokens, cost and time of a file; starts nothing',
    flags: showingOnly(
      [
        ...(['provider', 'model', 'baseUrl', 'completions', 'maxTokens', 'maxWorkers'] as const),
        ...(['priceInput', 'priceOutput', 'priceCached', 'priceUpdate', 'json', 'outputDir'] as const),
        ...(['reuse', 'noReuse', 'reuseSince', 'reuseLonger', 'new'] as const),
      ],
      runFlags,
    ),
    examples: ['durabatch estimate prompts.json --completions 4 --max-workers 20'],
    note: '\nThe other flags of run are taken too, and change nothing: any command line of\n"run" is one of "estimate".',
    check: runFaults,
    toOptions: toRunOptions,
    run: async (options, context, file) =>
      (await import('./commands/estimate.ts')).estimateCommand(file, options, context),
  }),
  command({
    usage: 'resume <id>',
    group: 'Run',
    description: 'resume a batch that was stopped or paused',
    flags: resumeFlags,
    examples: [
      'durabatch resume prompts-0f3a9c21b7de',
      'durabatch resume prompts-0f3a9c21b7de --max-workers 10 --max-cost 20',
    ],
    exitCodes: endOfBatch,
    check: priceFaults,
    toOptions: (flags) => ({ ...toRetryOptions(flags), reason: flags.reason }),
    run: async (options, context, id) =>
      (await import('./commands/resume.ts')).resumeCommand(id, options, context),
  }),
  command({
    usage: 'retry <id>',
    group: 'Run',
    description: 'run the failed prompts of a finished batch again',
    flags: retryFlags,
    examples: ['durabatch retry prompts-0f3a9c21b7de'],
    exitCodes: endOfBatch,
    check: priceFaults,
    toOptions: toRetryOptions,
    run: async (options, context, id) =>
      (await import('./commands/retry.ts')).retryCommand(id, options, context),
  }),
  command({
    usage: 'pause <id>',
    group: 'Control',
    description: 'pause a batch: prompts in progress finish, no others start',
    flags: { ...batchFlags, ...reasonFlag },
    examples: ['durabatch pause prompts-0f3a9c21b7de --reason "the answers look wrong"'],
    run: async (options, context, id) =>
      (await import('./commands/pause.ts')).pauseCommand(id, options, context),
  }),
  command({
    usage: 'add <id> <file>',
    group: 'Control',
    description: 'add prompts to a batch; if it is finished, start another run for them',
    flags: addFlags,
    examples: [
      'durabatch add prompts-0f3a9c21b7de more.json',
      'durabatch add prompts-0f3a9c21b7de more.json --reason "a second round"',
    ],
    exitCodes: `0 the prompts were added; if this starts a run:\n${endOfBatch}`,
    toOptions: ({ baseUrl, apiKeyEnv, ...flags }) => ({
      ...flags,
      ...(baseUrl !== undefined && { typedBaseUrl: baseUrl }),
      typedLimits: apiKeyEnv === undefined ? {} : { apiKeyEnv },
    }),
    run: async (options, context, id, file) =>
      (await import('./commands/add.ts')).addCommand(id, file, options, context),
  }),
  command({
    usage: 'set <id>',
    group: 'Control',
    description: 'change limits of a running or paused batch',
    flags: setFlags,
    examples: [
      'durabatch set prompts-0f3a9c21b7de --max-workers 50',
      'durabatch set prompts-0f3a9c21b7de --max-cost 20 --max-failures 5%',
    ],
    toOptions: (flags) => ({ ...flags, ...toLimitChanges(flags) }),
    run: async (options, context, id) => (await import('./commands/set.ts')).setCommand(id, options, context),
  }),
  command({
    usage: 'status <id>',
    group: 'Monitor',
    description: 'show the status of a batch',
    flags: batchFlags,
    examples: ['durabatch status prompts-0f3a9c21b7de'],
    run: async (options, context, id) =>
      (await import('./commands/status.ts')).statusCommand(id, options, context),
  }),
  command({
    usage: 'watch [id...]',
    group: 'Monitor',
    description: 'watch one or more batches until they finish',
    flags: batchFlags,
    operands: {
      id: 'ids of batches, also of other machines, or their beginnings; @last: the newest (default: all that are open)',
    },
    examples: [
      'durabatch watch prompts-0f3a9c21b7de',
      'durabatch watch prompts-0f3a9c21b7de more-5b1d27c09e4f',
      'durabatch watch',
    ],
    exitCodes: `${endOfBatch};\nwith several batches, the worst of their codes`,
    run: async (options, context, ...ids) =>
      (await import('./commands/watch.ts')).watchCommand(ids, options, context),
  }),
  command({
    usage: 'tail <id>',
    group: 'Monitor',
    description: 'print completions as they arrive',
    flags: tailFlags,
    examples: [
      'durabatch tail prompts-0f3a9c21b7de',
      'durabatch tail prompts-0f3a9c21b7de --from now --json',
      'durabatch tail prompts-0f3a9c21b7de --no-follow',
    ],
    exitCodes: '0 everything was printed, 130 interrupted (it says how to continue)',
    toOptions: ({ from, ...flags }) => {
      if (from !== undefined && flags.cursor !== null)
        throw new UsageError('--cursor says where to begin: leave out --from');
      return { ...flags, from: from ?? 'start' };
    },
    run: async (options, context, id) =>
      (await import('./commands/tail.ts')).tailCommand(id, options, context),
  }),
  command({
    usage: 'list',
    group: 'Monitor',
    description: 'list the batches',
    flags: listFlags,
    examples: ['durabatch list', 'durabatch list --state running,paused --json'],
    toOptions: ({ state, ...flags }) => ({ ...flags, states: state }),
    run: async (options, context) => (await import('./commands/list.ts')).listCommand(options, context),
  }),
  command({
    usage: 'cancel <id>',
    group: 'Control',
    description: 'cancel a batch and report the answers it has',
    flags: cancelFlags,
    examples: ['durabatch cancel prompts-0f3a9c21b7de', 'durabatch cancel prompts-0f3a9c21b7de --now'],
    run: async (options, context, id) =>
      (await import('./commands/cancel.ts')).cancelCommand(id, options, context),
  }),
  command({
    usage: 'report <id>',
    group: 'Results',
    description: 'write the reports again, from the ledger',
    flags: reportFlags,
    examples: ['durabatch report prompts-0f3a9c21b7de --to reports'],
    run: async (options, context, id) =>
      (await import('./commands/report.ts')).reportCommand(id, options, context),
  }),
  command({
    usage: 'audit <id>',
    group: 'Results',
    description: "compare a batch's report and workflow with its ledger",
    flags: batchFlags,
    examples: ['durabatch audit prompts-0f3a9c21b7de'],
    exitCodes: '0 all is equal, 1 there are differences',
    run: async (options, context, id) =>
      (await import('./commands/audit.ts')).auditCommand(id, options, context),
  }),
  command({
    usage: 'worker',
    group: 'Set up',
    description: 'run a worker for the open batches of a folder',
    flags: workerFlags,
    examples: ['durabatch worker', 'durabatch worker --output-dir data/shared --concurrency 50'],
    run: async (options, context) => (await import('./commands/worker.ts')).workerCommand(options, context),
  }),
  command({
    usage: 'server <start|stop|status>',
    group: 'Set up',
    description: 'start, stop or show the embedded Temporal server',
    flags: jsonFlag,
    operands: { 'start|stop|status': 'what to do' },
    examples: ['durabatch server status', 'durabatch server start', 'durabatch server stop'],
    run: async (_options, context, action) =>
      (await import('./commands/server.ts')).serverCommand(action, context),
  }),
  command({
    usage: 'doctor',
    group: 'Set up',
    description: 'check that everything a run needs is in place',
    flags: doctorFlags,
    examples: ['durabatch doctor', 'durabatch doctor --provider openai --output-dir data/mine'],
    exitCodes: '0 ready to run, perhaps with warnings, 1 not ready',
    contextOf: createContextAnyway,
    check: addressFaults,
    run: async (options, context) => (await import('./commands/doctor.ts')).doctorCommand(options, context),
  }),
  command({
    usage: 'completion <shell>',
    group: 'Set up',
    description: 'print the shell completion script',
    flags: jsonFlag,
    operands: { shell: 'whose completion' },
    choices: shells,
    examples: [
      'echo \'eval "$(durabatch completion bash)"\' >> ~/.bashrc',
      'echo \'eval "$(durabatch completion zsh)"\' >> ~/.zshrc',
      'durabatch completion fish > ~/.config/fish/completions/durabatch.fish',
    ],
    run: async (_options, context, shell) =>
      (await import('./commands/completion.ts')).completionCommand(shell as Shell, context),
  }),
];
