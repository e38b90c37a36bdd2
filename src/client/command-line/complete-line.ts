/** What may stand at the end of a command line that is being typed. */
import type { Argument, Command, Option } from 'commander';
import { batchStates } from '../../core/progress.ts';
import { providerNames } from '../../core/settings.ts';

/** As `resolve-id.ts` takes it, which a shell that waits need not load. */
const LAST = '@last';

export interface Candidate {
  value: string;
  /** In a few words; `''` for none. */
  description: string;
}

export interface Offer {
  candidates: Candidate[];
  /** What the shell adds by itself. */
  paths: 'none' | 'files' | 'folders';
}

export interface Known {
  batchIds(): Promise<string[]>;
  env: NodeJS.ProcessEnv;
}

const LONGEST_DESCRIPTION = 70;
const nothing: Offer = { candidates: [], paths: 'none' };
const named = (values: readonly string[]): Candidate[] => values.map((value) => ({ value, description: '' }));

/** `words`: those behind the program's name, the last one as far as it is typed. */
export async function completeLine(program: Command, words: readonly string[], known: Known): Promise<Offer> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const offer = await offerFor(program, before, typed, known);
  // `@last` is not offered beside a single id, which must still be completed at once.
  const isMeant = (value: string): boolean => !value.endsWith(LAST) || typed.includes('@');
  const candidates = offer.candidates.filter(({ value }) => value.startsWith(typed) && isMeant(value));
  return { ...offer, candidates };
}

async function offerFor(
  program: Command,
  before: readonly string[],
  typed: string,
  known: Known,
): Promise<Offer> {
  const command = program.commands.find((each) => each.name() === operands(program, before)[0]) ?? null;
  const options = [...(command ?? program).options, ...(command === null ? [] : program.options)].filter(
    ({ hidden }) => !hidden,
  );
  const equals = typed.indexOf('=');
  if (typed.startsWith('--') && equals > 0) {
    const flag = typed.slice(0, equals);
    const option = options.find(({ long }) => long === flag);
    if (!option?.required) return nothing;
    const { candidates, paths } = await valuesOf(option, known);
    return { paths, candidates: candidates.map((each) => ({ ...each, value: `${flag}=${each.value}` })) };
  }
  const open = options.find(({ long, short, required }) => required && [long, short].includes(before.at(-1)));
  if (open) return valuesOf(open, known);
  if (typed.startsWith('-')) {
    const isNew = ({ long, flags }: Option): boolean =>
      flags.includes('<id>') || !before.includes(long ?? '');
    return { candidates: [...options.filter(isNew).map(flagOffer), helpOffer], paths: 'none' };
  }
  const position = operands(program, before).length;
  if (position === 0) return { candidates: commandOffers(program), paths: 'none' };
  if (operands(program, before)[0] === 'help')
    return position === 1 ? { candidates: commandOffers(program), paths: 'none' } : nothing;
  const takes = command?.registeredArguments ?? [];
  const argument = takes[position - 1] ?? (takes.at(-1)?.variadic === true ? takes.at(-1) : undefined);
  return argument === undefined ? nothing : operandOffer(argument, known);
}

const helpOffer: Candidate = { value: '--help', description: 'show the help' };

/** The words that are neither flags nor their values. */
function operands(program: Command, words: readonly string[]): string[] {
  const takesValue = new Set(
    [program, ...program.commands].flatMap(({ options }) =>
      options.filter(({ required }) => required).map(({ long }) => long),
    ),
  );
  return words.filter((word, index) => !word.startsWith('-') && !takesValue.has(words[index - 1]));
}

const commandOffers = (program: Command): Candidate[] => [
  ...program.commands.map((command) => ({
    value: command.name(),
    description: shortened(command.description()),
  })),
  { value: 'help', description: 'help with a command' },
];

const flagOffer = ({ long, description }: Option): Candidate => ({
  value: long ?? '',
  description: shortened(description),
});

const shortened = (text: string): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= LONGEST_DESCRIPTION ? line : `${line.slice(0, LONGEST_DESCRIPTION - 1).trimEnd()}…`;
};

/** Flags whose values are known, by name. */
const flagValues: Readonly<Record<string, readonly string[]>> = {
  '--provider': providerNames,
  '--state': batchStates,
};

/** `--from <start|now>` → start, now; `--max-workers <n|auto>` → auto: a single letter stands for a value. */
const wordsIn = (flags: string): string[] | undefined =>
  / <(\w+(?:\|\w+)+)>/
    .exec(flags)?.[1]
    ?.split('|')
    .filter((word) => word.length > 1);

async function valuesOf({ long, flags, argChoices }: Option, { batchIds, env }: Known): Promise<Offer> {
  const values = argChoices ?? flagValues[long ?? ''] ?? wordsIn(flags);
  if (values) return { candidates: named(values), paths: 'none' };
  if (flags.includes('<folder>')) return { candidates: [], paths: 'folders' };
  if (long === '--reuse') return batchOffer(await batchIds());
  if (long === '--api-key-env')
    return {
      candidates: named(Object.keys(env).filter((name) => /_(API_)?(KEY|TOKEN)$/.test(name))),
      paths: 'none',
    };
  return nothing;
}

/** Batches, and the word for the newest. */
const batchOffer = (ids: readonly string[]): Offer => ({
  candidates: [...named(ids), ...(ids.length > 0 ? [{ value: LAST, description: 'the newest batch' }] : [])],
  paths: 'none',
});

async function operandOffer(argument: Argument, { batchIds }: Known): Promise<Offer> {
  const name = argument.name();
  const values = argument.argChoices ?? (name.includes('|') ? name.split('|') : null);
  if (values) return { candidates: named(values), paths: 'none' };
  if (name === 'file') return { candidates: [], paths: 'files' };
  if (name === 'id' || name === 'ids') return batchOffer(await batchIds());
  return nothing;
}
