import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { typingErrors } from '../core/nearest-name.ts';
import { decodeUtf8 } from './json/decode-utf8.ts';
import { kindOf } from '../system/files/regular-file.ts';
import { BrokenInput } from './input-error.ts';

/** Names of the files that a process has open. */
const OPENED = /^\/(dev\/(stdin|fd\/\d+)|proc\/(self|\d+)\/fd\/\d+)$/;

/** A file's text in pieces. Throws `BrokenInput` where it is missing, unreadable or not UTF-8. */
export async function* readText(file: string): AsyncGenerator<string, void, undefined> {
  await assertReadable(file);
  try {
    yield* decodeUtf8(createReadStream(file));
  } catch (error) {
    throw isSystemError(error) ? new BrokenInput(describeSystemError(error)) : error;
  }
}

async function assertReadable(file: string): Promise<void> {
  const found = await stat(file).catch(async (error: unknown) => {
    if (!isSystemError(error)) throw error;
    if (error.code !== 'ENOENT') throw new BrokenInput(describeSystemError(error));
    throw new BrokenInput(`there is no such file${await suggestName(file)}`);
  });
  if (found.isDirectory()) throw new BrokenInput('is a folder: name a file of prompts');
  const kind = kindOf(found);
  // What the shell has opened for this command, as in `run <(make-prompts)`, has somebody at its other end.
  if (kind !== null && !OPENED.test(path.resolve(file)))
    throw new BrokenInput(
      `is ${kind}, which may never give anything: name a file, or type it as cat ${JSON.stringify(file)} | … /dev/stdin`,
    );
}

export function describeSystemError(error: NodeJS.ErrnoException): string {
  const denied = error.code === 'EACCES' || error.code === 'EPERM';
  return denied ? `cannot be read: permission denied (${error.code})` : `cannot be read: ${error.message}`;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

/** Names a neighbour whose name is the same but for case, extension or up to two typing errors. */
async function suggestName(file: string): Promise<string> {
  if (/\s--?[a-z]/i.test(file))
    return '; its quotes take in flags as well: close them behind the name of the file';
  if (/^['\u2018-\u201f]/.test(file))
    return '; its quotes have become part of the name: leave them out, or type "';
  const folder = path.dirname(file);
  // The folder may be missing as well: then there is nothing to suggest.
  const names = await readdir(folder).catch(() => null);
  if (names === null) return `, and no folder ${folder}`;
  const wanted = path.parse(file);
  const near = (name: string) =>
    typingErrors(name.toLowerCase(), wanted.base.toLowerCase()) <= 2 ||
    path.parse(name).name.toLowerCase() === wanted.name.toLowerCase();
  const found = names.sort().find((name) => /\.(json|jsonl|ndjson)$/i.test(name) && near(name));
  return found === undefined ? '' : `; did you mean ${path.join(folder, found)}?`;
}
