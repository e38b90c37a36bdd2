import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { childEnvironment } from './child-environment.ts';
import { LOOPBACK } from './ports.ts';
import type { ServerPlace } from './server-record.ts';
import { PRIVATE_FILE } from '../system/files/private-mode.ts';
import { isMainThread } from 'node:worker_threads';
import { inHome } from '../system/home.ts';

export interface ServerProcess {
  pid: number;
  /** Set once the process has ended, or could not be started at all. */
  end: () => string | undefined;
  /** Lets the caller's process end while the server goes on. */
  release: () => void;
  kill: () => void;
}

export const databasePath = (home: string): string => inHome(home, 'temporal.db');
export const logPath = (home: string): string => inHome(home, 'server.log');

/** Starts the dev server in a session of its own, its output going to `server.log` (the one before: `server.log.1`). */
export const spawnServer = (
  binary: string,
  home: string,
  place: ServerPlace,
  env: NodeJS.ProcessEnv,
  furtherFlags: string[],
): ServerProcess => {
  keepLastLog(home);
  const log = openSync(logPath(home), 'a', PRIVATE_FILE);
  let end: string | undefined;
  try {
    const child = withPrivateFiles(() =>
      spawn(binary, [...serverArguments(home, place), ...furtherFlags], {
        cwd: home,
        detached: true,
        windowsHide: true,
        stdio: ['ignore', log, log],
        env: childEnvironment('temporal', env),
      }),
    );
    child.on('error', (error) => (end = error.message));
    child.on(
      'exit',
      (code, signal) => (end = code === null ? `ended by ${signal}` : `ended with exit code ${code}`),
    );
    return {
      pid: child.pid ?? 0,
      end: () => end,
      release: () => child.unref(),
      kill: () => child.kill('SIGKILL'),
    };
  } finally {
    closeSync(log);
  }
};

/** A program takes over the umask of whoever starts it. A worker thread cannot set it; the folder is private all the same. */
const withPrivateFiles = <T>(start: () => T): T => {
  if (!isMainThread) return start();
  const before = process.umask(0o077);
  try {
    return start();
  } finally {
    process.umask(before);
  }
};

/**
 * While a large batch hands over to its next execution its last prompts run alone, so that is done seldom: of histories of
 * up to 8,000 events instead of 4,096, still below the 10,240 of which the server warns. And what ends while a workflow
 * task is under way waits for its end: of more than 100 such events (50 quick prompts) the server fails that task, and
 * the worker replays the whole history. And so do queries wait: beyond 1 the server refuses them, and clients come again
 * a second or two later. `deploy/temporal-dynamic-config.yaml` has the same.
 */
export const largeLimits = [
  ['limit.historyCount.suggestContinueAsNew', 8000],
  ['limit.historySize.suggestContinueAsNew', 8 * 1024 * 1024],
  ['history.maximumBufferedEventsBatch', 10_000],
  ['history.MaxBufferedQueryCount', 1000],
] as const;

/**
 * The HTTP API cannot be switched off, and takes a request of any web page for a request of the user. Without a host
 * that is allowed it refuses every request that a browser can make.
 */
const NO_HTTP_API = ['frontend.httpAllowedHosts', '[]'] as const;

const serverArguments = (home: string, { ports, uiAddress }: ServerPlace): string[] => [
  'server',
  'start-dev',
  ...['--ip', LOOPBACK],
  ...['--port', `${ports.grpc}`],
  ...['--ui-ip', uiAddress],
  ...['--ui-port', `${ports.ui}`],
  ...['--metrics-port', `${ports.metrics}`],
  ...['--http-port', `${ports.http}`],
  ...['--db-filename', databasePath(home)],
  ...['--sqlite-pragma', 'journal_mode=wal'],
  ...['--sqlite-pragma', 'synchronous=normal'],
  ...['--log-level', 'warn'],
  ...[NO_HTTP_API, ...largeLimits].flatMap(([name, value]) => ['--dynamic-config-value', `${name}=${value}`]),
];

/** The end of the server's log, for an error message. */
export const logTail = (home: string, lines = 15): string =>
  readFileSync(logPath(home), 'utf8').trimEnd().split('\n').slice(-lines).join('\n');

const keepLastLog = (home: string): void => {
  rmSync(`${logPath(home)}.1`, { force: true });
  try {
    renameSync(logPath(home), `${logPath(home)}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
};
