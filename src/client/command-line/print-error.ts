import * as z from 'zod';
import { StoreError } from '../../store/store-error.ts';
import { exitCodes } from '../commands/exit-codes.ts';
import { InputError } from '../../input/input-error.ts';
import { UsageError } from '../usage-error.ts';
import { terminalMessage, writeError, writeOut } from '../../system/terminal-output.ts';
import { toTerminalJson } from '../render/terminal-text.ts';
import { systemErrorText } from './system-error.ts';

export interface PrintErrorOptions {
  /** The error is a line of JSON on standard output too. */
  json: boolean;
  /** With the stack. */
  debug: boolean;
}

/** Prints an error so that a person can act on it, and answers the exit code. Only `--debug` shows where in the code it was. */
export function printError(error: unknown, { json, debug }: PrintErrorOptions): number {
  const exitCode =
    error instanceof UsageError || error instanceof InputError || error instanceof StoreError
      ? exitCodes.usage
      : exitCodes.unexpected;
  const message = messageOf(error);
  if (json) writeOut(toTerminalJson({ type: 'error', exit_code: exitCode, message }));
  writeError(terminalMessage(`error: ${message}`));
  if (debug) writeError(terminalMessage(stackOf(error)));
  return exitCode;
}

/** As `--debug` or the variable `DURABATCH_DEBUG` ask for. */
export const wantsDebug = (typed: readonly string[], env: NodeJS.ProcessEnv): boolean =>
  typed.includes('--debug') || Boolean(env['DURABATCH_DEBUG']);

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError)
    return `a bug in durabatch: ${z.prettifyError(error)} (--debug shows where)`;
  const message = error instanceof Error ? error.message : String(error);
  return (
    systemErrorText(error) ??
    (isBug(error) ? `a bug in durabatch: ${message} (--debug shows where)` : message)
  );
}

const isBug = (error: unknown): boolean =>
  [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);

/** With the errors that caused it. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
}
