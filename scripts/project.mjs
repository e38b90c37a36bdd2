/** Plain Node without dependencies: these scripts run before anything is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder, with a trailing separator. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Tools by their modules: Node 20.6 cannot load their `bin` files, which have no extension. */
export const programs = {
  tsc: join('node_modules', 'typescript', 'lib', 'tsc.js'),
  oxlint: join('node_modules', 'oxlint', 'dist', 'cli.js'),
  oxfmt: join('node_modules', 'oxfmt', 'dist', 'cli.js'),
};

/** Runs a Node program and answers its exit code; what it prints goes straight through. */
export const runNode = (args) => {
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  return status ?? 1;
};

/** As `runNode`, for a program that reacts to signals: they are passed on. */
export const runNodeWithSignals = (args) => {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the child as well; passing it on would make it the second one.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
};

/** The npm that runs this script, else the one that came with this Node: npm itself is a Node program. */
export const npmProgram = () => {
  const besideNode = dirname(process.execPath);
  const program = [
    process.env.npm_execpath,
    join(besideNode, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(besideNode, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ].find((path) => path && /npm-cli\.c?js$/.test(path) && existsSync(path));
  if (!program)
    throw new Error('npm was not found. Run this through npm: npm start, npm test, npm run build.');
  return program;
};

/** Runs `main` and ends with the exit code it answers, if any; a failure is one line, not a stack. */
export const runScript = async (main) => {
  try {
    process.exitCode = (await main()) ?? process.exitCode;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
};
