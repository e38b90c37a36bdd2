/** How help looks, and what it says besides commands and flags. */
import { type Command, Help } from 'commander';
import { type CommandRow, groups } from '../command-table.ts';

const programNotes = `
Getting started:
  durabatch run prompts/sample_batch.json --provider simulated
  durabatch doctor

Exit codes: 0 done, all prompts succeeded; 1 unexpected; 2 usage or input;
3 finished with failed prompts; 4 cancelled; 5 paused; 130 interrupted.
Flags of a command, with units and defaults: durabatch <command> --help`;

const headingOf = (group: string): string => `${group}:`;

/** For the program and, as they are made after it, its commands. */
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

/** By group, `help` last. */
const rankOf = (command: Command): number => {
  const rank = groups.findIndex((group) => headingOf(group) === command.helpGroup());
  return rank < 0 ? groups.length : rank;
};

/** Puts a command in its group, and adds its note, examples and exit codes. */
export function addCommandHelp(
  command: Command,
  { group, note, examples, exitCodes }: Pick<CommandRow, 'group' | 'note' | 'examples' | 'exitCodes'>,
): Command {
  command.helpGroup(headingOf(group));
  if (note !== undefined) command.addHelpText('after', note);
  const title = examples.length === 1 ? 'Example:' : 'Examples:';
  const codes = exitCodes === undefined ? [] : ['', `Exit codes: ${exitCodes}`];
  return command.addHelpText(
    'after',
    ['', title, ...examples.map((line) => `  ${line}`), ...codes].join('\n'),
  );
}
