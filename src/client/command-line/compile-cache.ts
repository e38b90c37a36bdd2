import { lstatSync, mkdirSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { durabatchHome, inHome } from '../../system/home.ts';
import { PRIVATE_FOLDER } from '../../system/files/private-mode.ts';

/** Where Node has it (22.8 and later), keeps what it has compiled for the next command, which starts a tenth sooner. */
export function keepCompiledCode(env: NodeJS.ProcessEnv): void {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: (folder: string) => unknown };
  if (!enableCompileCache) return;
  const folder = compileCacheFolder(env);
  if (folder !== null) enableCompileCache(folder);
}

/**
 * A folder for compiled code in the state folder; `null` where there is none that only this user can write. Node's own
 * default is in the folder for temporary files, where another user of the machine could lay code in wait.
 */
export function compileCacheFolder(env: NodeJS.ProcessEnv): string | null {
  try {
    const home = durabatchHome(env);
    const folder = inHome(home, 'compile-cache');
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    return isOwn(home) && isOwn(folder) ? folder : null;
  } catch {
    // Without one, commands only start later.
    return null;
  }
}

function isOwn(folder: string): boolean {
  const found = lstatSync(folder);
  if (!found.isDirectory()) return false;
  return process.platform === 'win32' || (found.uid === process.getuid!() && (found.mode & 0o022) === 0);
}
