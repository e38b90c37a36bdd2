/** What `.env` in the working folder may set: keys, and nothing that steers this program. */
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { readRegularTextSync } from './files/regular-file.ts';

/** Far more than any has. */
const MAX_BYTES = 1024 * 1024;

/** Variables that decide what is executed, fetched or reached. */
const STEERS = /^(DURABATCH|TEMPORAL|NODE|PIP)_|_PROXY$|_BASE_URL$/i;
/** A key like any other. */
const KEY = 'TEMPORAL_API_KEY';
/** Of docker-compose.yml, which reads the same file. */
const COMPOSE: ReadonlySet<string> = new Set(['TEMPORAL_PORT', 'TEMPORAL_UI_PORT']);

export interface DotEnv {
  /** The file's variables without those that steer: for keys that are asked for by their names. */
  keys: Readonly<Record<string, string>>;
  /** What the user is told; `null`: everything in the file may be there. */
  notice: string | null;
}

/**
 * Reads `.env` of a folder that somebody else may have filled. What steers this program is left out, and named unless
 * `environment` sets it anyway. Throws where the file cannot be read.
 */
export function readDotEnv(folder: string, environment: NodeJS.ProcessEnv): DotEnv {
  const file = resolve(folder, '.env');
  const all = Object.entries(parsed(file));
  const refused = all.map(([name]) => name).filter(isRefused);
  return {
    keys: Object.fromEntries(all.filter(([name]) => !isRefused(name))),
    notice: noticeOf(
      file,
      refused.filter((name) => !COMPOSE.has(name) && environment[name] === undefined),
    ),
  };
}

const isRefused = (name: string): boolean => name !== KEY && STEERS.test(name);

const MAX_SHOWN = 5;
const MAX_LENGTH = 60;

/** The first few names, and how many more there are. */
function shown(names: readonly string[]): string {
  const first = names
    .slice(0, MAX_SHOWN)
    .map((name) => (name.length > MAX_LENGTH ? `${name.slice(0, MAX_LENGTH)}…` : name));
  const more = names.length - first.length;
  return more > 0 ? `${first.join(', ')} and ${more} more` : first.join(', ');
}

function noticeOf(file: string, names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const addresses = names.filter((name) => /_BASE_URL$/i.test(name));
  const typed = addresses.length > 0 ? ' An API address is typed with --base-url.' : '';
  const exported = names.length > addresses.length ? ' Export what you want in your shell instead.' : '';
  return `${file}: ${shown(names)} ignored, because a folder's .env may only hold keys.${exported}${typed}`;
}

function parsed(file: string): Record<string, string> {
  try {
    return parse(readRegularTextSync(file, MAX_BYTES));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    if (code === 'EISDIR')
      throw new Error(`${file} is a folder, where a file with keys was expected. Move it away.`, {
        cause: error,
      });
    throw new Error(`cannot read ${file}: ${message}`, { cause: error });
  }
}
