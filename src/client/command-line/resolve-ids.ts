import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import { DEFAULT_OUTPUT_DIR } from '../options/run-defaults.ts';
import { type IdScope, resolveId } from '../find/resolve-id.ts';

/** Commands that work on a batch whose folder is not on this machine. */
const REACHES_THE_SERVER = new Set(['status', 'watch', 'pause', 'resume', 'set', 'cancel']);

/**
 * Replaces the beginnings of ids, and `@last`, by the ids they stand for, wherever a command takes the id of a batch that
 * exists: arguments named `id`, and `--reuse`. Throws `UsageError`.
 */
export async function resolveIds(command: Command, config: Config): Promise<void> {
  const outputDir = command.getOptionValue('outputDir') as string | undefined;
  const settle = (ids: readonly string[], scope: IdScope): Promise<string[]> =>
    Promise.all(ids.map((id) => resolveId(config, id, scope)));
  for (const [index, argument] of command.registeredArguments.entries()) {
    const given = command.processedArgs[index] as string | string[] | undefined;
    if (given === undefined || !/^ids?$/.test(argument.name())) continue;
    const folderOnly = !REACHES_THE_SERVER.has(command.name());
    const ids = await settle([given].flat(), { outputDir, folderOnly });
    command.processedArgs[index] = Array.isArray(given) ? ids : ids[0];
  }
  const reuse = command.getOptionValue('reuse') as string[] | undefined;
  if (reuse === undefined) return;
  const alsoIn = resolve(outputDir ?? DEFAULT_OUTPUT_DIR);
  command.setOptionValue('reuse', await settle(reuse, { alsoIn, folderOnly: true }));
}

/** Whether {@link resolveIds} has something to look at. */
export const takesIds = (command: Command): boolean =>
  command.getOptionValue('reuse') !== undefined ||
  command.registeredArguments.some(
    (argument, index) =>
      /^ids?$/.test(argument.name()) && [command.processedArgs[index] ?? []].flat().length > 0,
  );
