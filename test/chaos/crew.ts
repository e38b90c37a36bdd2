/** Who works on the batch: the command, or two workers; started again as a person would. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import { type CliProcess, startCli } from '../support/cli.ts';
import { gone, signal } from './processes.ts';

export const BATCH_ID = 'chaos';
/** A person who sees a command fail again and again stops trying. */
const MAX_FAILURES = 10;
const DEADLINE_MS = 30 * 60_000;
const POLL_MS = 100;

export interface CrewOptions {
  folder: string;
  outputDir: string;
  env: NodeJS.ProcessEnv;
  workers: 1 | 2;
  /** Of `durabatch run`, the file included. */
  runArgs: readonly string[];
}

export interface Crew {
  /** Starts whoever is not there, and with `reopen` the batch itself. Resolves when they are started, not when they are ready. */
  start(again: 'run' | 'resume', reopen: boolean): Promise<void>;
  /** Processes that send requests, as far as they live. */
  readonly pids: number[];
  /** Kills workers; all of them without `which`. Resolves when they are gone. */
  kill(which?: number): Promise<void>;
  /** A command that ends by itself from now on, until the next start, does what it should: its batch was taken from the server. */
  excuse(): void;
  /** The batch has ended, or nothing helps any more. */
  readonly isOver: boolean;
  /** Ends what is left in good order; answers the exit code of the command that tells the batch's end. */
  finish(): Promise<number | null>;
  /** Kills whoever is there, and starts nobody again. */
  end(): Promise<void>;
  readonly gaveUp: readonly string[];
}

interface Member {
  process: CliProcess;
  wasKilled: boolean;
}

export function createCrew({ folder, outputDir, env, workers, runArgs }: CrewOptions): Crew {
  const members: (Member | null)[] = Array.from({ length: workers }, () => null);
  const gaveUp: string[] = [];
  let excused = false;
  let over = false;
  let exitCode: number | null = null;
  let count = 0;

  const command = (args: readonly string[]): CliProcess => {
    const number = String(++count).padStart(3, '0');
    const started = startCli(args, { env, cwd: folder, timeoutMs: DEADLINE_MS });
    void started.ended
      .then(({ code, signal: name }) => `ended: ${code ?? name}`, String)
      .then((end) =>
        appendFileSync(
          join(folder, 'commands.log'),
          `--- ${number} durabatch ${args.join(' ')} (process ${started.pid})\n${started.output}\n--- ${end}\n`,
        ),
      );
    return started;
  };

  const employ = (position: number, args: readonly string[]): void => {
    const member: Member = { process: command(args), wasKilled: false };
    members[position] = member;
    member.process.ended.then(
      ({ code, stdout, stderr }) => left(position, member, code, stdout + stderr),
      (error: unknown) => left(position, member, null, String(error)),
    );
  };

  const left = (position: number, member: Member, code: number | null, output: string): void => {
    if (members[position] === member) members[position] = null;
    if (member.wasKilled || over) return;
    if (workers === 1 && code === 0) {
      exitCode = code;
      over = true;
      return;
    }
    if (!excused) gaveUp.push(`exit ${code}: ${output.trim().split('\n').slice(-3).join(' | ')}`);
    if (gaveUp.length >= MAX_FAILURES) over = true;
    else void sleep(1000).then(() => start('run', false));
  };

  const manifest = (): Manifest | null => {
    const file = join(outputDir, BATCH_ID, 'batch.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : null;
  };

  const start: Crew['start'] = async (again, reopen) => {
    if (over) return;
    excused = false;
    if (workers === 1) {
      if (members[0]) return;
      const resumes = again === 'resume' && manifest() !== null;
      employ(0, resumes ? ['resume', BATCH_ID, '--output-dir', outputDir] : ['run', ...runArgs]);
      return;
    }
    members.forEach((member, position) => {
      if (!member) employ(position, ['worker', '--output-dir', outputDir]);
    });
    if (!reopen) return;
    const { code, stderr } = await command(['run', ...runArgs, '--detach']).ended;
    if (code !== 0 && !over && !isDone()) gaveUp.push(`run --detach: exit ${code}: ${stderr.trim()}`);
  };

  const isDone = (): boolean => workers === 2 && manifest()?.runs.at(-1)?.outcome !== undefined;

  const kill: Crew['kill'] = async (which) => {
    const victims = members.filter(
      (member, position): member is Member => member !== null && (which ?? position) === position,
    );
    for (const victim of victims) {
      victim.wasKilled = true;
      signal(victim.process.pid, 'SIGKILL');
    }
    await Promise.all(victims.map(({ process: { pid } }) => gone(pid)));
    members.forEach((member, position) => {
      if (member?.wasKilled) members[position] = null;
    });
  };

  return {
    start,
    kill,
    end: () => {
      over = true;
      return kill();
    },
    get pids() {
      return members.flatMap((member) => (member ? [member.process.pid] : []));
    },
    excuse: () => {
      excused = true;
    },
    get isOver() {
      over ||= isDone();
      return over;
    },
    finish: async () => {
      over = true;
      const leaving = members.filter((member) => member !== null);
      for (const { process: child } of leaving) child.kill('SIGINT');
      const ends = await Promise.all(leaving.map(({ process: child }) => child.ended));
      const failed = ends.find(({ code }) => code !== 0 && code !== 130);
      if (failed) gaveUp.push(`at the end, exit ${failed.code}: ${failed.stderr.trim()}`);
      if (workers === 2) exitCode = (await command(['run', ...runArgs]).ended).code;
      await sleep(POLL_MS);
      return exitCode;
    },
    gaveUp,
  };
}
