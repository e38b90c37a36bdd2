import { resolve } from 'node:path';
import envPaths from 'env-paths';

/** Absolute path: where everything that outlives a command is kept: the server's database, the Temporal binary, locks. */
export const durabatchHome = (env: NodeJS.ProcessEnv): string =>
  resolve(env['DURABATCH_HOME'] || envPaths('durabatch', { suffix: '' }).data);
