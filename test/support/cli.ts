/**
 * The command line as a user has it: processes of `dist/client/cli.js`. Build first.
 *
 *   const { code, stdout } = await runCli(['status', id], { env: server.env });
 *   const run = startCli(['run', file], { env: server.env });
 *   await run.said(/in flight/);
 *   run.kill('SIGINT');
 *   assert.equal((await run.ended).code, 130);
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LONGEST_WAIT_MS } from './until.ts';

const cli = fileURLToPath(new URL('../../dist/client/cli.js', import.meta.url));

export interface CliOptions {
  env: NodeJS.ProcessEnv;
  /** Default: that of the test. */
  cwd?: string;
  /** The process is killed after this many milliseconds, and what waits for it fails. Default: {@link LONGEST_WAIT_MS}. */
  timeoutMs?: number;
}

export interface CliResult {
  /** `null` if a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Standard output as JSON Lines. Throws at a line that is none. */
  lines: Record<string, any>[];
}

export interface CliProcess {
  readonly pid: number;
  /** Both streams so far, as they came. */
  readonly output: string;
  /** Settles once the output matches; rejects if the process ends before. */
  said(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<CliResult>;
}

const live = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of live) child.kill('SIGKILL');
});

export const runCli = (args: readonly string[], options: CliOptions): Promise<CliResult> =>
  startCli(args, options).ended;

export function startCli(
  args: readonly string[],
  { env, cwd, timeoutMs = LONGEST_WAIT_MS }: CliOptions,
): CliProcess {
  const child = spawn(process.execPath, [cli, ...args], {
    env,
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  live.add(child);
  let stdout = '';
  let stderr = '';
  let output = '';
  let isOver = false;
  const listeners = new Set<() => void>();
  const changed = (): void => [...listeners].forEach((look) => look());
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
    changed();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    output += text;
    changed();
  });

  const ended = new Promise<CliResult>((resolve, reject) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      live.delete(child);
      isOver = true;
      changed();
      if (timedOut)
        reject(new Error(`durabatch ${args.join(' ')} did not end in ${timeoutMs} ms:\n${output}`));
      else
        resolve({
          code,
          signal,
          stdout,
          stderr,
          get lines() {
            return jsonLines(stdout);
          },
        });
    });
  });
  ended.catch(() => {
    // whoever awaits it is told
  });

  return {
    pid: child.pid!,
    get output() {
      return output;
    },
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(output)) resolve();
          else if (isOver) reject(new Error(`it ended without saying ${String(pattern)}:\n${output}`));
          else return;
          listeners.delete(look);
        };
        listeners.add(look);
        look();
      }),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

const jsonLines = (stdout: string): Record<string, any>[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      try {
        return JSON.parse(line) as Record<string, any>;
      } catch (error) {
        throw new Error(`not a JSON line: ${line}`, { cause: error });
      }
    });
