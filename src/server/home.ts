import { resolve } from 'node:path';
import envPaths from 'env-paths';
import { whyNoLocalFolder } from '../local-folder.ts';

/**
 * Absolute path: where everything that outlives a command is kept: the server's database, the Temporal binary, locks.
 * Throws where the environment names a URL.
 */
export function durabatchHome(env: NodeJS.ProcessEnv): string {
  const folder = env['DURABATCH_HOME'] || envPaths('durabatch', { suffix: '' }).data;
  const problem = whyNoLocalFolder(folder);
  if (problem !== null) throw new Error(`DURABATCH_HOME: ${problem}`);
  return resolve(folder);
}
