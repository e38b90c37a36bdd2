/** What commander finds wrong, as one sentence: where, what was expected, what was found and what to type. */
import { type Argument, type Command, CommanderError, type Option } from 'commander';
import { redact } from '../../providers/redact.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { toTerminalText } from '../render/terminal-text.ts';
import {
  type CommandLine,
  commandLine,
  idWord,
  placeholderWord,
  type ShellWord,
  shellWord,
  shellWords,
} from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';
import { ownValue } from '../../core/own-value.ts';

/** What a command line is compared with. */
export interface Surroundings {
  /** Ids of known batches, the newest first. */
  batchIds(): Promise<string[]>;
  isFile(path: string): boolean;
}

interface Misuse extends Surroundings {
  error: Pick<CommanderError, 'code' | 'message'>;
  program: Command;
  /** The command that was typed; `null` where none was. */
  command: Command | null;
  /** All that was typed. */
  typed: readonly string[];
}

const PROMPT_FILE = /\.(json|jsonl|ndjson)$/i;
/** What editors and web pages make of `-`. */
const FALSE_DASH = /^[\u2010-\u2015\u2212]/;
/** Names that other tools have for a command, and what it is here. */
const otherNames: Readonly<Record<string, CommandLine>> = {
  version: commandLine`durabatch --version`,
  ls: commandLine`durabatch list`,
  ps: commandLine`durabatch list`,
  start: commandLine`durabatch run <file>`,
  continue: commandLine`durabatch resume <id>`,
  stop: commandLine`durabatch cancel <id>`,
  kill: commandLine`durabatch cancel <id>`,
  abort: commandLine`durabatch cancel <id>`,
  results: commandLine`durabatch report <id>`,
};

/** The same for flags. */
const otherFlagNames: Readonly<Partial<Record<string, string>>> = {
  concurrency: '--max-workers',
  parallel: '--max-workers',
  threads: '--max-workers',
  n: '--completions',
  samples: '--completions',
  out: '--output-dir',
  key: '--api-key-env',
  apikey: '--api-key-env',
  budget: '--max-cost',
};

const quoted = (text: string): string => JSON.stringify(toTerminalText(text, 80));
/** Words as they can be typed again. */
const asLine = (typed: readonly string[]): ShellWord =>
  shellWords(typed.map((word) => shellWord(word, '<…>')));
const words = (list: readonly string[]): string => list.map(quoted).join(' and ');

export async function explainMisuse(
  error: Misuse['error'],
  program: Command,
  typed: readonly string[],
  surroundings: Surroundings,
): Promise<string> {
  const command = commandIn(program, typed);
  const misuse: Misuse = { error, program, command, typed, ...surroundings };
  // A key may have been typed where none belongs.
  return redact(await explain(misuse), null);
}

async function explain(misuse: Misuse): Promise<string> {
  const { error } = misuse;
  switch (error.code) {
    case 'commander.unknownCommand':
      return unknownCommand(misuse);
    case 'commander.unknownOption':
      return unknownFlag(misuse);
    case 'commander.missingArgument':
      return missingArgument(misuse);
    case 'commander.excessArguments':
      return tooMany(misuse);
    case 'commander.optionMissingArgument':
      return valueMissing(misuse);
    case 'commander.invalidArgument':
      return invalidArgument(misuse);
    case 'commander.help':
      return `a command was expected. ${seeHelp(null)}`;
    default:
      return error.message.replace(/^error: /, '');
  }
}

/** Throws for `help` with a word that is no command: commander would show everything. */
export function refuseUnknownTopic(program: Command, typed: readonly string[]): void {
  const [first, topic] = typed;
  if (first !== 'help' || topic === undefined || namesOf(program).includes(topic)) return;
  throw new CommanderError(2, 'commander.unknownCommand', `error: unknown command '${topic}'`);
}

/** The command that the arguments name, wherever it stands among the flags. */
export const commandIn = (program: Command, typed: readonly string[]): Command | null =>
  program.commands.find((command) => command.name() === operandsOf(typed)[0]) ?? null;

const operandsOf = (typed: readonly string[]): string[] => typed.filter((word) => !word.startsWith('-'));
const namesOf = (program: Command): string[] => program.commands.map((command) => command.name());
const inMessage = ({ error }: Misuse): string => /'([^]*)'/.exec(error.message)?.[1] ?? '';
const seeHelp = (command: Command | null): string =>
  `See ${asTyped(commandLine`durabatch ${asLine([...(command === null ? [] : [command.name()]), '--help'])}`)}.`;

async function unknownCommand(misuse: Misuse): Promise<string> {
  const { program, typed, batchIds, isFile } = misuse;
  const word = inMessage(misuse);
  if (FALSE_DASH.test(word)) return falseDash(word);
  if (isFile(word) || PROMPT_FILE.test(word)) {
    return `${quoted(word)} is a file, but a command was expected; to run it: ${asTyped(commandLine`durabatch run ${asLine(typed)}`)}`;
  }
  const other = otherNames[word.toLowerCase()];
  if (other !== undefined) return `there is no command ${quoted(word)}; type: ${asTyped(other)}`;
  const near = nearestName(word, namesOf(program));
  if (near !== undefined) {
    const line = asLine(typed.map((each) => (each === word ? near : each)));
    return `there is no command ${quoted(word)}; did you mean: ${asTyped(commandLine`durabatch ${line}`)}`;
  }
  if ((await batchIds()).includes(word)) {
    return `${quoted(word)} is a batch, but a command was expected; to see its status: ${asTyped(commandLine`durabatch status ${idWord(word)}`)}`;
  }
  return `there is no command ${quoted(word)}; the commands are ${namesOf(program).join(', ')}. ${seeHelp(null)}`;
}

const falseDash = (word: string): string =>
  `${quoted(word)} begins with a dash that is no "-" (copied from a text?): type --${toTerminalText(word.replace(/^[^\p{L}\p{N}]+/u, ''), 60)}`;

/** `-MaxWorkers`, `--max_workers` and `--maxworkers` alike. */
const spelling = (flag: string): string => flag.replace(/[-_]/g, '').toLowerCase();

function unknownFlag(misuse: Misuse): string {
  const { program, command } = misuse;
  const [flag = '', value] = inMessage(misuse).split(/[=:]/, 2);
  const none = `unknown flag ${/^--?[\w-]+$/.test(flag) ? flag : quoted(flag)}`;
  const options = [...(command?.options ?? []), ...program.options].filter(({ long }) => long);
  const wanted = spelling(flag);
  if (command !== null && takesFile(command) && /^(input)?file(path)?$/.test(wanted)) {
    return `${none}: the file needs no flag, as in ${asTyped(commandLine`durabatch ${asLine([command.name(), value || 'prompts.json'])}`)}`;
  }
  const same = options.find(({ long }) => spelling(long!) === wanted);
  if (same) return `${none}; did you mean ${same.long}? Flags are written as ${usageOf(same)}`;
  if (wanted === 'v') return `${none}; to print the version: ${asTyped(commandLine`durabatch --version`)}`;
  const near = nearestName(
    wanted,
    options.map(({ long }) => spelling(long!)),
  );
  if (near !== undefined && wanted.length > 2) {
    const meant = options.find(({ long }) => spelling(long!) === near)!;
    return `${none}; did you mean ${usageOf(meant)}?`;
  }
  const [part, ...otherParts] = options.filter(({ long }) =>
    isPartOf(wanted, long!, ownValue(otherFlagNames, wanted)),
  );
  if (part && otherParts.length === 0) return `${none}; did you mean ${usageOf(part)}?`;
  const owners = program.commands.filter(
    (other) =>
      other !== command &&
      other.options.some(({ long, hidden }) => !hidden && spelling(long ?? '') === wanted),
  );
  if (owners.length > 0) {
    const names = owners.map((owner) => owner.name()).join(', ');
    return command === null
      ? `${none}: it goes after a command that has it: ${names}`
      : `${none} for ${command.name()}; it is a flag of ${names}. ${seeHelp(command)}`;
  }
  return `${none}. ${seeHelp(command)}`;
}

/** `workers` of `--max-workers`, `output` of `--output-dir`; `known`: what other tools call it. */
const isPartOf = (wanted: string, long: string, known: string | undefined): boolean =>
  known === undefined
    ? wanted.length > 2 && (spelling(long).endsWith(wanted) || spelling(long).startsWith(wanted))
    : long === known;

const usageOf = ({ long, flags }: Option): string => (flags.includes('<') ? flags : long!);
const takesFile = (command: Command): boolean =>
  command.registeredArguments.some((argument) => argument.name() === 'file');

async function missingArgument(misuse: Misuse): Promise<string> {
  const { command, batchIds } = misuse;
  const name = command?.name() ?? '';
  const wanted = inMessage(misuse);
  if (wanted === 'file') {
    return `${name} needs a file of prompts, as in ${asTyped(commandLine`durabatch ${usageLine(command, { file: asLine(['prompts.json']) })}`)}. ${seeHelp(command)}`;
  }
  if (!/^ids?$/.test(wanted)) {
    const argument = command?.registeredArguments.find((each) => each.name() === wanted);
    const what = argument?.argChoices?.join(', ') ?? wanted.replaceAll('|', ', ');
    return `${name} needs an argument: one of ${what}`;
  }
  const ids = await batchIds();
  const line = (id: string): string =>
    asTyped(commandLine`durabatch ${usageLine(command, { [wanted]: idWord(id) })}`);
  if (ids.length === 0) {
    return `${name} needs the id of a batch, and there is none here yet; "${asTyped(commandLine`durabatch list`)}" shows batches, ${asTyped(commandLine`durabatch run <file>`)} starts one`;
  }
  if (ids.length === 1) return `${name} needs the id of a batch; there is one here: ${line(ids[0]!)}`;
  const shown = ids.slice(0, 3).map((id) => `\n  ${line(id)}`);
  return `${name} needs the id of a batch; "${asTyped(commandLine`durabatch list`)}" shows them. The newest${ids.length > shown.length ? ` of ${ids.length}` : ''}:${shown.join('')}`;
}

/** The command with its arguments, those named filled in. */
const usageLine = (command: Command | null, values: Record<string, ShellWord>): ShellWord =>
  shellWords([
    asLine([command?.name() ?? '']),
    ...(command?.registeredArguments ?? [])
      .filter((argument) => argument.required || argument.name() in values)
      .map((argument: Argument) => values[argument.name()] ?? placeholderWord(argument.name())),
  ]);

function tooMany({ command, typed, isFile }: Misuse): string {
  const name = command?.name() ?? '';
  const found = command?.args ?? [];
  const dash = found.find((word) => FALSE_DASH.test(word));
  if (dash !== undefined) return falseDash(dash);
  const takes = command?.registeredArguments ?? [];
  if (takes.length === 0) return `${name} takes no arguments, got ${words(found)}. ${seeHelp(command)}`;
  const equals = typed.indexOf('=');
  if (equals > 0) {
    return `"=" stands by itself: write ${typed[equals - 1]}=${typed[equals + 1] ?? ''} without blanks, or with one blank and no "="`;
  }
  const joined = found.join(' ');
  if (isFile(joined)) {
    return `the file name contains spaces, so it needs quotes: ${asTyped(commandLine`durabatch ${asLine([name, joined])}`)}`;
  }
  const switched = command?.options.find(
    ({ long, required }) =>
      !required && long && found.some((word) => typed[typed.indexOf(word) - 1] === long),
  );
  if (switched) return `${switched.long} takes no value: leave it out or give it alone. ${seeHelp(command)}`;
  const what = takes.map((argument) => articled(argument.name())).join(' and ');
  const more = takesFile(command!) ? '; run the files one after another, or join them into one' : '';
  return `${name} takes ${what}, got ${found.length}: ${words(found)}${more}. ${seeHelp(command)}`;
}

const articled = (name: string): string =>
  ({ id: 'one batch id', file: 'one file' })[name] ?? `one of ${name.replaceAll('|', ', ')}`;

function invalidArgument({ command, error }: Misuse): string {
  const [, value = ''] = /value '([^]*?)' is invalid/.exec(error.message) ?? [];
  const choices = command?.registeredArguments.find(({ argChoices }) => argChoices)?.argChoices ?? [];
  return `${command?.name() ?? ''}: must be one of ${choices.join(', ')}, got ${quoted(value)}`;
}

function valueMissing(misuse: Misuse): string {
  const { command, program } = misuse;
  const flags = inMessage(misuse);
  const option = [...(command?.options ?? []), ...program.options].find((each) => each.flags === flags);
  return `${option?.long ?? flags}: needs a value, ${flags}: ${option?.description ?? ''}`;
}
