/** Programs that nobody but this user, or who runs the machine, can have put where they are. */
import { realpath, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { delimiter, dirname, isAbsolute, resolve } from 'node:path';
import { isOfPackages } from './child-environment.ts';

/** macOS: its members are administrators, and Homebrew's folders are theirs. */
const ADMIN_GROUP = 80;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;

export interface PathSearch {
  /** In the order of the PATH. */
  programs: string[];
  /** Programs of that name that are not executed: each with its path and why. */
  passedOver: string[];
}

/**
 * Looks for a program on the PATH. Passed over are the working folder, which somebody else may have filled, packages' programs
 * (`npm run` puts those of the working folder on the PATH), and whatever {@link whyUntrusted} objects to.
 */
export async function searchPath(name: string, env: NodeJS.ProcessEnv, cwd: string): Promise<PathSearch> {
  const found: PathSearch = { programs: [], passedOver: [] };
  const seen = new Set<string>();
  for (const entry of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    const program = resolve(cwd, entry, name);
    if (seen.has(program) || !(await isThere(program))) continue;
    seen.add(program);
    const why = (await whyNotHere(entry, cwd)) ?? (await whyUntrusted(program));
    if (why === null) found.programs.push(program);
    else found.passedOver.push(`${program} is not executed: ${why}`);
  }
  return found;
}

async function whyNotHere(entry: string, cwd: string): Promise<string | null> {
  if (!isAbsolute(entry)) return 'its folder is on the PATH as part of the working folder';
  const folder = await realpath(entry);
  if (folder === (await realpath(cwd))) return 'its folder is the working folder';
  return isOfPackages(folder) ? 'packages of npm have put it there' : null;
}

/** Why somebody else may have put or changed a program: its file, its folder and those above it; `null`: nobody may. Windows is not looked at. */
export async function whyUntrusted(program: string): Promise<string | null> {
  if (process.platform === 'win32') return null;
  const real = await realpath(program);
  for (const file of new Set([resolve(program), real])) {
    const own = await writerOf(file, false);
    if (own !== null) return own;
    let isAbove = false;
    for (let folder = await realpath(dirname(file)); ; folder = dirname(folder)) {
      const why = await writerOf(folder, isAbove);
      if (why !== null) return why;
      if (folder === dirname(folder)) break;
      isAbove = true;
    }
  }
  return null;
}

/** `keepsOwn`: a sticky folder is fine, since nobody can rename there what is another's. */
async function writerOf(path: string, keepsOwn: boolean): Promise<string | null> {
  const found = await stat(path);
  const { uid, mode } = found;
  const self = process.geteuid!();
  if (uid !== 0 && uid !== self) return `${path} belongs to another user (${uid})`;
  if (keepsOwn && (mode & STICKY) !== 0) return null;
  if ((mode & OTHERS_WRITE) !== 0) return `everybody can write to ${path}`;
  return (mode & GROUP_WRITES) !== 0 && !isOwnGroup(found) ? `a group can write to ${path}` : null;
}

/** A user's private group has the user's number; that of root, and of administrators, can write anywhere. */
const isOwnGroup = ({ gid }: Stats): boolean =>
  gid === 0 || gid === process.geteuid!() || (process.platform === 'darwin' && gid === ADMIN_GROUP);

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
