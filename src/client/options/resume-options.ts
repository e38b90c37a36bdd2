/** The flags of `resume`. */
import type { Command } from 'commander';
import type { RunLimits } from '../../core/settings.ts';
import type { TypedAccount } from './account-options.ts';
import { addBaseUrlOption, parseBaseUrlOption } from './destination-options.ts';
import { addLimitOptions, parseLimitOptions } from './limit-options.ts';
import { parseSharedOptions, type SharedOptions } from './shared-options.ts';

export const addResumeOptions = (command: Command): Command =>
  addLimitOptions(addBaseUrlOption(command), null);

/** Throws one UsageError for everything that is wrong. */
export function parseResumeOptions(
  raw: Record<string, unknown>,
): SharedOptions & { typedBaseUrl?: string; typedLimits: Partial<RunLimits>; typedAccount?: TypedAccount } {
  return { ...parseSharedOptions(raw), ...parseBaseUrlOption(raw), ...parseLimitOptions(raw) };
}
