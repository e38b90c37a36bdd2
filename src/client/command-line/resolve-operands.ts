import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { whyNoLocalFolder } from '../../system/local-folder.ts';
import { MANIFEST_FILE } from '../../store/manifest/manifest.ts';
import { UsageError } from '../usage-error.ts';
import { whyNoBatch } from '../find/why-no-batch.ts';
import { commandLine, idWord, shellWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

/**
 * Where a command takes the id of a batch, it takes the path of the batch's folder as well, as a shell's completion
 * leaves it: the id is its name, and the folder it is in is the output folder. Throws {@link UsageError} for a path
 * that is something else, and for a batch where a file of prompts belongs.
 */
export async function resolveOperands(command: Command, knownIds: () => Promise<string[]>): Promise<void> {
  for (const [index, argument] of command.registeredArguments.entries()) {
    const given = command.processedArgs[index] as string | string[] | undefined;
    if (given === undefined) continue;
    if (argument.name() === 'file') await refuseBatch([given].flat(), knownIds);
    if (!/^ids?$/.test(argument.name())) continue;
    const found = await Promise.all([given].flat().map((path) => settledId(path, knownIds)));
    command.processedArgs[index] = Array.isArray(given) ? found.map(({ id }) => id) : found[0]!.id;
    const folders = new Set(found.map(({ outputDir }) => outputDir));
    const [outputDir] = folders;
    if (folders.size === 1 && outputDir !== undefined)
      command.setOptionValue('outputDir', command.getOptionValue('outputDir') ?? outputDir);
  }
}

async function settledId(
  given: string,
  knownIds: () => Promise<string[]>,
): Promise<{ id: string; outputDir?: string }> {
  if (!/[/\\]/.test(given)) return { id: given };
  const problem = whyNoLocalFolder(given);
  if (problem !== null) throw new UsageError(`the folder of a batch ${problem}`);
  const folder = await batchFolder(given);
  if (folder !== null) return { id: basename(folder), outputDir: dirname(folder) };
  const name = given.replace(/[/\\]+$/, '');
  if (name !== '' && !/[/\\]/.test(name)) return { id: name };
  if (await isFile(given)) throw new UsageError(await whyNoBatch(given, await knownIds(), ''));
  throw new UsageError(
    `"${given}" is no folder of a batch (no ${MANIFEST_FILE} in it); "${asTyped(commandLine`durabatch list`)}" shows the batches there are`,
  );
}

/** The folder that a path, or the path of the `batch.json` in it, names; `null` if there is no batch. */
async function batchFolder(path: string): Promise<string | null> {
  const named = resolve(path);
  const folder = basename(named) === MANIFEST_FILE ? dirname(named) : named;
  return (await isFile(join(folder, MANIFEST_FILE))) ? folder : null;
}

async function refuseBatch(files: readonly string[], knownIds: () => Promise<string[]>): Promise<void> {
  for (const file of files) {
    if (await isFile(file)) continue;
    const folder = await batchFolder(file);
    const id = folder === null ? (await knownIds()).find((known) => known === file) : basename(folder);
    if (id === undefined) continue;
    throw new UsageError(
      `"${file}" is a batch, but a file of prompts was expected; to continue it: ${asTyped(commandLine`durabatch resume ${folder === null ? idWord(id) : shellWord(file, '<folder of the batch>')}`)}`,
    );
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
