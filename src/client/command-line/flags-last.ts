import type { Command, Option } from 'commander';

/** Flags that mean something without a command. */
const OWN = new Set(['-h', '--help', '-V', '--version']);

/** The arguments with flags that stand before the command moved behind it, where they belong. */
export function flagsLast(program: Command, typed: readonly string[]): string[] {
  const options = new Map<string, Option>();
  for (const command of [program, ...program.commands]) {
    for (const option of command.options) {
      for (const flag of [option.short, option.long]) if (flag) options.set(flag, option);
    }
  }
  let at = 0;
  while (typed[at]?.startsWith('-') === true) {
    const flag = typed[at]!;
    const option = options.get(flag.split('=', 1)[0]!);
    if (OWN.has(flag) || option === undefined) return [...typed];
    at += option.required && !flag.includes('=') ? 2 : 1;
  }
  const isCommand = program.commands.some((command) => command.name() === typed[at]);
  if (at === 0 || !isCommand) return [...typed];
  const rest = typed.slice(at);
  const end = rest.indexOf('--');
  return rest.toSpliced(end === -1 ? rest.length : end, 0, ...typed.slice(0, at));
}
