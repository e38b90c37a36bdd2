/**
 * A command of `dist/client/cli.js` in a terminal of its own, which can be closed. `script` (util-linux) makes the
 * pseudo-terminal: when it dies, the system sends SIGHUP to the shell there, which passes it on as an interactive one
 * does, and all output fails, as at a closed window.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../dist/client/cli.js', import.meta.url));

/** Whether this machine has what it takes. */
export const hasTerminals =
  process.platform === 'linux' && spawnSync('script', ['--version'], { stdio: 'ignore' }).status === 0;

export interface TerminalCommand {
  /** What the terminal has shown so far. */
  readonly output: string;
  /** Settles once the output matches; rejects if the terminal is closed before. */
  said(pattern: RegExp): Promise<void>;
  /** Closes the terminal; settles once what runs there has been sent its signal. */
  hangUp(): Promise<void>;
  /** The command's exit code, also where the terminal is closed before. */
  readonly ended: Promise<number>;
  kill(): void;
}

/** `folder`: for the files by which the command tells of itself. */
export async function startInTerminal(
  args: readonly string[],
  { env, cwd, folder }: { env: NodeJS.ProcessEnv; cwd: string; folder: string },
): Promise<TerminalCommand> {
  const codeFile = join(folder, 'exit-code');
  const hungUpFile = join(folder, 'hung-up');
  const pidFile = join(folder, 'pid');
  const shell = join(folder, 'in-terminal.sh');
  const quoted = [process.execPath, cli, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const lines = [
    `trap 'kill -HUP $child; : > "${hungUpFile}"' HUP`,
    `${quoted.join(' ')} & child=$!`,
    `echo $child > '${pidFile}'`,
    'wait $child; code=$?',
    'while kill -0 $child 2>/dev/null; do wait $child; code=$?; done',
    `echo $code > '${codeFile}.part' && mv '${codeFile}.part' '${codeFile}'`,
  ];
  await writeFile(shell, `${lines.join('\n')}\n`);
  const codeIsThere = isThere(codeFile);
  const hungUpIsThere = isThere(hungUpFile);
  const terminal = spawn('script', ['-qfc', `exec sh '${shell}'`, join(folder, 'typescript')], {
    env,
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  let isClosed = false;
  const listeners = new Set<() => void>();
  const changed = (): void => [...listeners].forEach((look) => look());
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    changed();
  });
  terminal.once('close', () => {
    isClosed = true;
    changed();
  });
  return {
    get output() {
      return output;
    },
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(output)) resolve();
          else if (isClosed)
            reject(new Error(`it was closed without showing ${String(pattern)}:\n${output}`));
          else return;
          listeners.delete(look);
        };
        listeners.add(look);
        look();
      }),
    hangUp: async () => {
      terminal.kill('SIGKILL');
      await hungUpIsThere;
    },
    ended: codeIsThere.then(async () => Number(await readFile(codeFile, 'utf8'))),
    kill: () => {
      terminal.kill('SIGKILL');
      if (existsSync(pidFile)) spawnSync('sh', ['-c', `kill -9 $(cat '${pidFile}') 2>/dev/null`]);
    },
  };
}

/** Settles once a file that is not there yet is. */
const isThere = (file: string): Promise<void> =>
  new Promise((resolve) => {
    const watcher = watch(dirname(file), () => {
      if (!existsSync(file)) return;
      watcher.close();
      resolve();
    });
  });

/** Runs a command in a terminal of its own, types `answer` and Enter when it asks `question`, and waits for its end. */
export async function answerInTerminal(
  args: readonly string[],
  { env, cwd, question, answer }: { env: NodeJS.ProcessEnv; cwd: string; question: RegExp; answer: string },
): Promise<{ code: number | null; output: string }> {
  const quoted = [process.execPath, cli, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const terminal = spawn('script', ['-qfec', quoted.join(' '), '/dev/null'], {
    ...{ env, cwd },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let output = '';
  let isAnswered = false;
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (isAnswered || !question.test(output)) return;
    isAnswered = true;
    terminal.stdin.write(`${answer}\r`);
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    terminal.once('error', reject).once('close', resolve),
  );
  return { code, output };
}
