import type { CommandLine } from '../core/command-line.ts';

/**
 * Returns a command, as `durabatch list`, as this user has to type it: who came by npm (`npm start`, `npx durabatch`)
 * most likely has no `durabatch` on the PATH. Call it where a message is composed, with the command alone: whole
 * messages also hold texts of models, prompts, providers and files, which must stay as they are.
 */
export const asTyped = (
  command: CommandLine,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string => (env['npm_command'] === undefined ? command : `npx ${command}`);
