import { execFile } from 'node:child_process';
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { PRIVATE_FOLDER } from '../system/files/private-mode.ts';
import { syncFolder } from '../system/files/sync-folder.ts';
import type { BinaryFetcher } from './binary-fetchers.ts';
import { childEnvironment } from './child-environment.ts';
import { acquireProcessLock } from '../system/process-lock.ts';
import { searchPath, whyUntrusted } from './trusted-path.ts';
import { inHome } from '../system/home.ts';

export interface BinarySearch {
  home: string;
  env: NodeJS.ProcessEnv;
  log: (line: string) => void;
  /** Ways to get the binary where the machine has none, tried in order. */
  fetchers?: BinaryFetcher[];
}

const run = promisify(execFile);
const binaryName = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/**
 * The Temporal CLI: `DURABATCH_TEMPORAL_BIN`, else `temporal` on the PATH where nobody else can have put it, else the one in
 * this home, which is fetched once. The error of a vain search names every way that was tried.
 */
export const findTemporalBinary = async ({ home, env, log, fetchers }: BinarySearch): Promise<string> => {
  const present = await findPresentBinary({ home, env });
  if (typeof present === 'string') return present;
  const { cached, tried } = present;
  const release = await acquireProcessLock(inHome(home, 'bin', 'fetch.lock'), {
    onWait: (pid) =>
      log(`Waiting for another command (process ${pid}) that is fetching the Temporal binary.`),
  });
  try {
    if ((await whyNotKept(cached)) === null && (await isUsable(cached, env))) return cached;
    return await fetchInto(cached, { env, log, tried, fetchers: fetchers ?? (await usualFetchers(env)) });
  } finally {
    await release();
  }
};

/** Loaded only where something is fetched, which is once: they bring an HTTP client and an unpacker. */
const usualFetchers = async (env: NodeJS.ProcessEnv): Promise<BinaryFetcher[]> =>
  (await import('./binary-fetchers.ts')).binaryFetchers(env);

/** The binary that needs no fetching; else where it would be kept, and what was tried. Throws for a wrong `DURABATCH_TEMPORAL_BIN`. */
export const findPresentBinary = async ({
  home,
  env,
}: Pick<BinarySearch, 'home' | 'env'>): Promise<string | { cached: string; tried: string[] }> => {
  const named = env['DURABATCH_TEMPORAL_BIN'];
  if (named) {
    const fault = await faultOf(resolve(named), env);
    if (fault === undefined) return resolve(named);
    throw new Error(
      `DURABATCH_TEMPORAL_BIN=${named}: expected the Temporal CLI, but ${fault}. Correct or unset it.`,
    );
  }
  const { programs, passedOver } = await searchPath(binaryName, env, process.cwd());
  const tried = [...passedOver];
  for (const candidate of programs) {
    const fault = await faultOf(candidate, env);
    if (fault === undefined) return candidate;
    tried.push(`${candidate} on the PATH: ${fault}`);
  }
  if (tried.length === 0) tried.push(`"${binaryName}" on the PATH: not there`);
  const cached = inHome(home, 'bin', binaryName);
  const why = await whyNotKept(cached);
  if (why !== null) tried.push(`${cached} is not executed: ${why}`);
  return why === null && (await isUsable(cached, env)) ? cached : { cached, tried };
};

/** Fetched under a temporary name and tried there, so that what bears the real name runs. */
const fetchInto = async (
  target: string,
  { env, log, tried, fetchers }: Required<Omit<BinarySearch, 'home'>> & { tried: string[] },
): Promise<string> => {
  const folder = `${target}.${process.pid}.tmp`;
  for (const { name, fetch } of fetchers) {
    log(`Getting the Temporal binary (once): ${name} …`);
    try {
      await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
      await chmod(dirname(target), PRIVATE_FOLDER);
      const fetched = join(folder, binaryName);
      await fetch(fetched, folder);
      await chmod(fetched, PRIVATE_FOLDER);
      const fault = await faultOf(fetched, env);
      if (fault !== undefined) throw new Error(fault);
      await rename(fetched, target);
      await syncFolder(dirname(target));
      return target;
    } catch (error) {
      tried.push(`${name}: ${(error as Error).message}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    'The Temporal binary, which runs the embedded server, could not be found or fetched. Tried:\n' +
      tried.map((way) => `  - ${way}\n`).join('') +
      'Install the Temporal CLI (https://docs.temporal.io/cli) so that "temporal" is on the PATH, or name its file ' +
      'in DURABATCH_TEMPORAL_BIN, or name a running Temporal server in TEMPORAL_ADDRESS.',
  );
};

/** As the binary tells it: `temporal version 1.9.1 (Server 1.32.0, UI 2.49.1)`. */
export const readBinaryVersion = async (binary: string, env: NodeJS.ProcessEnv): Promise<string> =>
  (await ask(binary, ['--version'], env, 10_000)).trim();

/** Help text of `temporal server start-dev`: which flags this binary has. */
export const readServerHelp = (binary: string, env: NodeJS.ProcessEnv): Promise<string> =>
  ask(binary, ['server', 'start-dev', '--help'], env, 30_000);

const ask = async (
  binary: string,
  question: string[],
  env: NodeJS.ProcessEnv,
  timeout: number,
): Promise<string> => {
  // A script that picks a version by the folder it is started in does not ask the working folder.
  const cwd = dirname(binary);
  const options = { cwd, env: childEnvironment('temporal', env), timeout, windowsHide: true };
  return (await run(binary, question, options)).stdout;
};

/** Why a file is not a Temporal CLI that can run a dev server; `undefined` if it is one. */
const faultOf = async (file: string, env: NodeJS.ProcessEnv): Promise<string | undefined> => {
  try {
    return (await readServerHelp(file, env)).includes('--sqlite-pragma')
      ? undefined
      : 'it has no "server start-dev" with --sqlite-pragma';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'there is no such file';
    return `it does not run (${message.trim().split('\n').at(-1)})`;
  }
};

/** Why somebody else may have put the kept binary there, if there is one. */
const whyNotKept = async (cached: string): Promise<string | null> =>
  (await exists(cached)) ? whyUntrusted(cached) : null;

const isUsable = async (file: string, env: NodeJS.ProcessEnv): Promise<boolean> =>
  (await exists(file)) && (await faultOf(file, env)) === undefined;

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
