/** What every command gets: where it may write, what it was configured with, and how it is interrupted. */
import { type Config, loadConfig } from '../../config.ts';
import { onHangup } from '../command-line/hangup.ts';
import { createPaint } from '../render/paint.ts';
import {
  type TerminalText,
  terminalLines,
  toOneLine,
  writeError,
  writeLive,
  writeOut,
} from '../../system/terminal-output.ts';
import { toTerminalJson } from '../render/terminal-text.ts';
import type { LiveStream } from '../render/progress/live-rows.ts';
import { terminalTraits } from '../render/terminal-traits.ts';
import { exitCodes } from './exit-codes.ts';

export interface CommandContext {
  config: Config;
  json: boolean;
  /** One line, or one JSON value, of the command's result. */
  print(value: TerminalText | Record<string, unknown>): void;
  /** Something said beside the result, on one line. */
  note(line: string): void;
}

/** Throws where the environment or a Temporal profile cannot be used. */
export function createContext(json: boolean, env: NodeJS.ProcessEnv = process.env): CommandContext {
  const config = loadConfig(env, process.cwd());
  const { color } = terminalTraits(process.stdout, env);
  const print = (value: TerminalText | Record<string, unknown>): void =>
    writeOut(typeof value === 'string' ? value : toTerminalJson(value), color);
  const note = (line: string): void =>
    json ? print({ type: 'note', message: line }) : writeError(terminalLines([toOneLine(line)]));
  for (const notice of config.notices) note(notice);
  return { config, json, print, note };
}

/** As {@link createContext}, but where the Temporal profile cannot be used, without one. */
export function createContextAnyway(json: boolean): CommandContext {
  try {
    return createContext(json);
  } catch {
    const others = Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'));
    return createContext(json, Object.fromEntries(others));
  }
}

/** How text is to look on standard output. */
export function outputTraits(): {
  paint: ReturnType<typeof createPaint>;
  columns: number;
  isTTY: boolean;
  color: boolean;
} {
  const { live: isTTY, color } = terminalTraits(process.stdout, process.env);
  const columns = process.stdout.isTTY ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
  return { paint: createPaint(color), columns, isTTY, color };
}

/**
 * Aborted by the first Ctrl-C or SIGTERM, and by the end of the terminal that the command prints to. The second Ctrl-C or
 * SIGTERM leaves at once; a second SIGHUP does not, since a shell sends one and the system another.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      // Off the line on which a progress may stand.
      writeError(
        terminalLines([
          '',
          'Left at once: requests in flight may be paid twice. Every answer that came back is kept.',
        ]),
      );
      process.exit(exitCodes.interrupted);
    }
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  if (process.platform === 'win32') process.on('SIGBREAK', onSignal);
  onHangup(() => controller.abort());
  return controller.signal;
}

/** Ends a command that only looks on when its reader has seen enough, as `head` does. */
export function endWithReader(): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.succeeded);
  });
}

/** Standard output for a progress view. */
export const outputStream = (): LiveStream => ({
  write: writeLive,
  get columns() {
    return process.stdout.columns;
  },
  get rows() {
    return process.stdout.rows;
  },
  onResize: (listener) => {
    process.stdout.on('resize', listener);
    return () => void process.stdout.off('resize', listener);
  },
});
