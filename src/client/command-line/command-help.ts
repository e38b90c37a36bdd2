/** What the help of each command says besides its flags. */
import { type Command, Help } from 'commander';

const groups = ['Run', 'Monitor', 'Control', 'Results', 'Set up'] as const;

interface CommandHelp {
  group: (typeof groups)[number];
  /** Command lines, as they can be typed. */
  examples: string[];
  /** What the exit code says, where it says more than "done". */
  exitCodes?: string;
}

const endOfBatch =
  '0 all prompts succeeded, 3 finished with failed prompts,\n4 cancelled, 5 paused, 130 interrupted';

export const commandHelp: Readonly<Record<string, CommandHelp>> = {
  run: {
    group: 'Run',
    examples: [
      'durabatch run prompts.json --completions 4 --max-workers 20',
      'durabatch run prompts.json --provider simulated',
      'durabatch run prompts.json --provider openai --model gpt-4.1-mini',
    ],
    exitCodes: endOfBatch,
  },
  estimate: { group: 'Run', examples: ['durabatch estimate prompts.json --completions 4 --max-workers 20'] },
  resume: {
    group: 'Run',
    examples: [
      'durabatch resume prompts-0f3a9c21b7de',
      'durabatch resume prompts-0f3a9c21b7de --max-workers 10 --max-cost 20',
    ],
    exitCodes: endOfBatch,
  },
  retry: { group: 'Run', examples: ['durabatch retry prompts-0f3a9c21b7de'], exitCodes: endOfBatch },
  status: { group: 'Monitor', examples: ['durabatch status prompts-0f3a9c21b7de'] },
  watch: {
    group: 'Monitor',
    examples: [
      'durabatch watch prompts-0f3a9c21b7de',
      'durabatch watch prompts-0f3a9c21b7de more-5b1d27c09e4f',
      'durabatch watch',
    ],
    exitCodes: `${endOfBatch};\nwith several batches, the worst of their codes`,
  },
  list: { group: 'Monitor', examples: ['durabatch list', 'durabatch list --state running,paused --json'] },
  tail: {
    group: 'Monitor',
    examples: [
      'durabatch tail prompts-0f3a9c21b7de',
      'durabatch tail prompts-0f3a9c21b7de --from now --json',
      'durabatch tail prompts-0f3a9c21b7de --no-follow',
    ],
    exitCodes: '0 everything was printed, 130 interrupted (it says how to continue)',
  },
  pause: {
    group: 'Control',
    examples: ['durabatch pause prompts-0f3a9c21b7de --reason "the answers look wrong"'],
  },
  set: {
    group: 'Control',
    examples: [
      'durabatch set prompts-0f3a9c21b7de --max-workers 50',
      'durabatch set prompts-0f3a9c21b7de --max-cost 20 --max-failures 5%',
    ],
  },
  add: {
    group: 'Control',
    examples: [
      'durabatch add prompts-0f3a9c21b7de more.json',
      'durabatch add prompts-0f3a9c21b7de more.json --reason "a second round"',
    ],
    exitCodes: `0 the prompts were added; if this starts a run:\n${endOfBatch}`,
  },
  cancel: {
    group: 'Control',
    examples: ['durabatch cancel prompts-0f3a9c21b7de', 'durabatch cancel prompts-0f3a9c21b7de --now'],
  },
  report: { group: 'Results', examples: ['durabatch report prompts-0f3a9c21b7de --to reports'] },
  audit: {
    group: 'Results',
    examples: ['durabatch audit prompts-0f3a9c21b7de'],
    exitCodes: '0 all is equal, 1 there are differences',
  },
  worker: {
    group: 'Set up',
    examples: ['durabatch worker', 'durabatch worker --output-dir data/shared --concurrency 50'],
  },
  server: {
    group: 'Set up',
    examples: ['durabatch server status', 'durabatch server start', 'durabatch server stop'],
  },
  doctor: {
    group: 'Set up',
    examples: ['durabatch doctor', 'durabatch doctor --provider openai --output-dir data/mine'],
    exitCodes: '0 ready to run, perhaps with warnings, 1 not ready',
  },
  completion: {
    group: 'Set up',
    examples: [
      'echo \'eval "$(durabatch completion bash)"\' >> ~/.bashrc',
      'echo \'eval "$(durabatch completion zsh)"\' >> ~/.zshrc',
      'durabatch completion fish > ~/.config/fish/completions/durabatch.fish',
    ],
  },
};

const programNotes = `
Getting started:
  durabatch run prompts/sample_batch.json --provider simulated
  durabatch doctor

Exit codes: 0 done, all prompts succeeded; 1 unexpected; 2 usage or input;
3 finished with failed prompts; 4 cancelled; 5 paused; 130 interrupted.
Flags of a command, with units and defaults: durabatch <command> --help`;

/** How help looks, for the program and, as they are made after it, its commands. */
export const configureHelp = (program: Command): Command =>
  program
    .helpOption('-h, --help', 'show this help')
    .commandsGroup('Help:')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', programNotes)
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...argumentsOf(command)].join(' '),
      visibleCommands: (command) => new Help().visibleCommands(command).sort((a, b) => rankOf(a) - rankOf(b)),
      // In the order of what is shown, not of what was made.
      groupItems: (_made, shown, groupOf) => new Help().groupItems(shown, shown, groupOf),
      showGlobalOptions: true,
      visibleGlobalOptions: (command) =>
        (command.parent?.options ?? []).filter(({ long }) => long === '--debug'),
    });

const argumentsOf = (command: Command): string[] =>
  command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });

const rankOf = (command: Command): number => {
  const group = commandHelp[command.name()]?.group;
  return group === undefined ? groups.length : groups.indexOf(group);
};

/** Adds examples and exit codes to the commands, and puts them in groups. */
export function addCommandHelp(program: Command): Command {
  for (const command of program.commands) {
    const help = commandHelp[command.name()];
    if (help === undefined) continue;
    command.helpGroup(`${help.group}:`);
    const title = help.examples.length === 1 ? 'Example:' : 'Examples:';
    const codes = help.exitCodes === undefined ? [] : ['', `Exit codes: ${help.exitCodes}`];
    command.addHelpText(
      'after',
      ['', title, ...help.examples.map((line) => `  ${line}`), ...codes].join('\n'),
    );
  }
  return program;
}
