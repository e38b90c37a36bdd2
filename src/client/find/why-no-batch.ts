import { stat } from 'node:fs/promises';
import { slugOfFile } from '../../input/file-slug.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { commandLine } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

const SHOWN = 3;

/** Of an id that no batch has: which one was most likely meant, and where others are. */
export async function whyNoBatch(id: string, known: readonly string[], place: string): Promise<string> {
  const isFile = await stat(id).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) {
    const slug = slugOfFile(id);
    const made = known.filter((each) => each === slug || each.startsWith(`${slug}-`)).slice(0, SHOWN);
    const which =
      made.length > 0
        ? `made from it: ${made.join(', ')}`
        : `"${asTyped(commandLine`durabatch list`)}" shows the batches there are`;
    return `"${id}" is a file of prompts, and the id of a batch was expected; ${which}`;
  }
  const near = nearestName(id, known);
  if (near !== undefined) return `there is no batch "${id}" in ${place}; did you mean ${near}?`;
  return (
    `there is no batch "${id}" in ${place}. ` +
    `"${asTyped(commandLine`durabatch list`)}" shows the batches there are; --output-dir names the folder of a batch that this machine does not know.`
  );
}
