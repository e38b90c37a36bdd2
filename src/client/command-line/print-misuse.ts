import { statSync } from 'node:fs';
import { type Command, CommanderError } from 'commander';
import { exitCodes } from '../commands/exit-codes.ts';
import { UsageError } from '../usage-error.ts';
import { explainMisuse } from './explain-misuse.ts';
import { printError } from './print-error.ts';

/** Tells what is wrong with a command line, also as JSON where that was asked for, and answers the exit code. */
export async function printMisuse(
  error: unknown,
  program: Command,
  typed: readonly string[],
  debug: boolean,
): Promise<number> {
  const telling = { json: typed.includes('--json'), debug };
  if (!(error instanceof CommanderError)) return printError(error, telling);
  // Help and version are no errors; without a command the help is the answer, and commander has shown it.
  if (error.exitCode === 0) return exitCodes.succeeded;
  if (error.code === 'commander.help' && !telling.json) return exitCodes.usage;
  const message = await explainMisuse(error, program, typed, { batchIds: knownIds, isFile });
  return printError(new UsageError(message, { cause: error }), telling);
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Ids of the batches that this machine knows. Loaded only when it is asked: most command lines are right. */
export async function knownIds(): Promise<string[]> {
  const [{ loadConfig }, { knownBatchIds }] = await Promise.all([
    import('../../config.ts'),
    import('../find/known-ids.ts'),
  ]);
  return knownBatchIds(loadConfig(process.env, process.cwd()).home);
}
