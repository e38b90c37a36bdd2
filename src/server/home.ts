import envPaths from 'env-paths';

/** Where everything that outlives a command is kept: the server's database, the Temporal binary, locks. */
export const durabatchHome = (env: NodeJS.ProcessEnv): string =>
  env['DURABATCH_HOME'] || envPaths('durabatch', { suffix: '' }).data;
