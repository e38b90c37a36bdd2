import { createRequire } from 'node:module';
import { Argument, Command, Option } from 'commander';
import { answerShell } from './command-line/answer-shell.ts';
import { ASK } from './command-line/completion-script.ts';
import { refuseUnknownTopic } from './command-line/explain-misuse.ts';
import { addCommandHelp, configureHelp } from './command-line/command-help.ts';
import { flagsLast } from './command-line/flags-last.ts';
import { ignoreClosedOutput } from './command-line/ignore-closed-output.ts';
import { resolveIds, takesIds } from './command-line/resolve-ids.ts';
import { resolveOperands } from './command-line/resolve-operands.ts';
import { printError, wantsDebug } from './command-line/print-error.ts';
import { knownIds, printMisuse } from './command-line/print-misuse.ts';
import { type CommandRow, commands, operandHelp } from './command-table.ts';
import { createContext } from './commands/context.ts';
import { writeOut } from '../system/terminal-output.ts';
import { toTerminalBlock } from './render/terminal-text.ts';
import { parseBatchId } from './options/batch-id.ts';
import type { Flag } from './options/flags.ts';
import { savePaidWork } from './follow/unexpected-end.ts';

const { version } = createRequire(import.meta.url)('durabatch/package.json') as {
  version: string;
};

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
  for (const row of commands) addCommand(program, row);
  return program;
}

function addCommand(program: Command, row: CommandRow): void {
  const [name = '', ...operands] = row.usage.split(' ');
  const command = program.command(name).description(row.description);
  for (const term of operands) {
    const operand = term.replaceAll(/[<>[\].]/g, '');
    const argument = new Argument(term, row.operands?.[operand] ?? operandHelp[operand]);
    command.addArgument(row.choices ? argument.choices(row.choices) : argument);
  }
  for (const [flagName, flag] of Object.entries(row.flags)) command.addOption(toOption(flagName, flag));
  const [firstFlag, lastFlag] = [Object.values(row.flags)[0], Object.values(row.flags).at(-1)];
  // Where all flags are in groups, help is in the last one instead of a group of its own.
  if (firstFlag?.group !== undefined) command.optionsGroup(lastFlag?.group ?? '');
  command.helpOption('-h, --help', 'show this help');
  addCommandHelp(command, row);
  command.action((...args: unknown[]) => {
    const given = args.slice(0, operands.length) as (string | string[])[];
    const ids = operands.map((term) => /^.id\b/.test(term));
    return perform(row, command.opts(), () =>
      given.flatMap((values, at) => [values].flat().map((text) => (ids[at] ? parseBatchId(text) : text))),
    );
  });
}

function toOption(name: string, { usage, help, otherwise, group, repeats, hidden }: Flag): Option {
  const text = otherwise === undefined ? help : `${help} (default: ${otherwise})`;
  const option = new Option(usage, text).hideHelp(hidden === true);
  if (group !== undefined) option.helpGroup(group);
  // Without this, commander takes --no-reuse for the negation of --reuse.
  option.negate &&= !name.startsWith('no');
  return repeats
    ? option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
    : option;
}

/** Runs a command to its exit code. An error that the user can mend is printed without a stack. */
async function perform(
  { run, contextOf = createContext }: CommandRow,
  raw: Record<string, unknown>,
  operands: () => string[],
): Promise<void> {
  const json = raw['json'] === true;
  try {
    process.exitCode = await run(raw, contextOf(json), ...operands());
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
