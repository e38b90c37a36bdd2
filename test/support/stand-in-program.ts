import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A stand-in for an executable: `body` run by this Node. Not for Windows, which starts no scripts by their first line. */
export const writeProgram = async (file: string, body: string): Promise<string> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!${process.execPath}\n${body}\n`);
  await chmod(file, 0o755);
  return file;
};

/** As the Temporal CLI, as far as looking for it goes. */
export const temporalProgram = `console.log('--sqlite-pragma');`;
