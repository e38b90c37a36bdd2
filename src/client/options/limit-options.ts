/** Flags for how a run works through its requests: the same on every command that starts one. */
import type { Command } from 'commander';
import { z } from 'zod';
import type { RunLimits } from '../../contract.ts';
import { shortDuration } from '../render/duration-text.ts';
import { durationValue, integerValue, shareValue, variableNameValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';

export const limitFlags = {
  maxWorkers: integerValue(1, 500).optional(),
  maxAttempts: integerValue(1).optional(),
  requestTimeout: durationValue(1).optional(),
  idleTimeout: durationValue(1).optional(),
  patience: durationValue(0).optional(),
  apiKeyEnv: variableNameValue.optional(),
  simulateLatency: durationValue(0).optional(),
  simulateErrors: shareValue.optional(),
};

const limitFlagsSchema = z.object(limitFlags);
type LimitFlags = z.output<typeof limitFlagsSchema>;

/** Adds the flags. Without `defaults` the help says that what is left out stays as it was. */
export function addLimitOptions(command: Command, defaults: Omit<RunLimits, 'apiKeyEnv'> | null): Command {
  const or = (value: (limits: Omit<RunLimits, 'apiKeyEnv'>) => string | number): string =>
    `(default: ${defaults === null ? 'as before' : value(defaults)})`;
  return command
    .optionsGroup('Pace and patience (may change from run to run):')
    .option('--max-workers <n>', `prompts in progress at once, 1 to 500 ${or((d) => d.maxWorkers)}`)
    .option(
      '--max-attempts <n>',
      `requests a prompt may lose to faults before it fails; waiting out a rate limit never counts ${or((d) => d.maxAttempts)}`,
    )
    .option(
      '--request-timeout <time>',
      `longest a request may take, as 500ms, 90s, 10m, 1h; a bare number is seconds ${or((d) => shortDuration(d.requestTimeoutMs))}`,
    )
    .option(
      '--idle-timeout <time>',
      `longest wait without a byte from the provider ${or((d) => shortDuration(d.idleTimeoutMs))}`,
    )
    .option(
      '--patience <time>',
      `longest wait for a provider that is down or limits the rate; then the batch pauses ${or((d) => shortDuration(d.patienceMs))}`,
    )
    .option(
      '--api-key-env <name>',
      "environment variable that holds the API key (default: the provider's, as DEEPSEEK_API_KEY)",
    )
    .optionsGroup('Simulated provider:')
    .option(
      '--simulate-latency <time>',
      `mean time to an answer ${or((d) => shortDuration(d.simulateLatencyMs))}`,
    )
    .option(
      '--simulate-errors <share>',
      `share of requests that fail, as 0.05 or 5% ${or((d) => d.simulateErrors)}`,
    );
}

/** The limits that were typed, and no others. Throws a UsageError. */
export const parseLimitOptions = (raw: Record<string, unknown>): Partial<RunLimits> =>
  toLimits(parseFlags(limitFlagsSchema, raw));

export function toLimits(flags: LimitFlags): Partial<RunLimits> {
  const limits: { [Name in keyof RunLimits]: RunLimits[Name] | undefined } = {
    maxWorkers: flags.maxWorkers,
    maxAttempts: flags.maxAttempts,
    requestTimeoutMs: flags.requestTimeout,
    idleTimeoutMs: flags.idleTimeout,
    patienceMs: flags.patience,
    apiKeyEnv: flags.apiKeyEnv,
    simulateLatencyMs: flags.simulateLatency,
    simulateErrors: flags.simulateErrors,
  };
  const typed = Object.entries(limits).filter(([, value]) => value !== undefined);
  return Object.fromEntries(typed);
}
