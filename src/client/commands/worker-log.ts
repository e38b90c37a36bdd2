import { appendFileSync, mkdirSync } from 'node:fs';
import type { LogEntry } from '@temporalio/worker';
import { logWorkersTo } from '../../worker/batch-worker.ts';
import { toTerminalText } from '../render/terminal-text.ts';
import type { CommandContext } from './context.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../../system/files/private-mode.ts';
import { inHome } from '../../system/home.ts';

/** The SDK's warnings go to a file: they must not tear the progress. */
export function logToFile({ config }: CommandContext): void {
  mkdirSync(config.home, { recursive: true, mode: PRIVATE_FOLDER });
  const file = inHome(config.home, 'worker.log');
  logWorkersTo((entry) => appendFileSync(file, `${logLine(entry)}\n`, { mode: PRIVATE_FILE }));
}

export const logLine = ({ level, timestampNanos, message, meta }: LogEntry): string => {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  const details = meta && Object.keys(meta).length > 0 ? ` ${JSON.stringify(meta, plainErrors)}` : '';
  return toTerminalText(`${time} ${level} ${message}${details}`);
};

const plainErrors = (_key: string, value: unknown): unknown =>
  value instanceof Error
    ? `${value.name}: ${value.message}`
    : typeof value === 'bigint'
      ? String(value)
      : value;
