/** The flag that confirms where a batch of others sends its prompts. */
import type { Command } from 'commander';
import * as z from 'zod';
import type { Destination } from '../../providers/destination.ts';
import { type ShellWord, shellWord } from '../../core/command-line.ts';
import { baseUrlValue } from './base-url.ts';
import { variableNameValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';

const BASE_URL_HELP =
  'address of the API, to confirm it for a batch that you have not started yourself (default: must be confirmed)';

export const addBaseUrlOption = (command: Command): Command =>
  command.option('--base-url <url>', BASE_URL_HELP);

/** Returns the flags that confirm a destination, for a command that is offered. */
export const destinationFlags = ({ baseUrl, apiKeyEnv }: Destination): ShellWord[] => [
  ...[shellWord('--base-url', ''), shellWord(baseUrl, '<url>')],
  ...(apiKeyEnv === '' ? [] : [shellWord('--api-key-env', ''), shellWord(apiKeyEnv, '<name>')]),
];

/** For commands that do not set the key variable otherwise. */
export const addDestinationOptions = (command: Command): Command =>
  addBaseUrlOption(command).option(
    '--api-key-env <name>',
    'environment variable that holds the API key, to confirm it likewise (default: as before)',
  );

const baseUrlSchema = z.object({ baseUrl: baseUrlValue.optional() });
const destinationSchema = z.object({
  baseUrl: baseUrlValue.optional(),
  apiKeyEnv: variableNameValue.optional(),
});

/** Throws a UsageError. */
export function parseBaseUrlOption(raw: Record<string, unknown>): { typedBaseUrl?: string } {
  const { baseUrl } = parseFlags(baseUrlSchema, raw);
  return baseUrl === undefined ? {} : { typedBaseUrl: baseUrl };
}

/** Throws one UsageError for everything that is wrong. */
export function parseDestinationOptions(raw: Record<string, unknown>): {
  typedBaseUrl?: string;
  typedLimits: { apiKeyEnv?: string };
} {
  const { baseUrl, apiKeyEnv } = parseFlags(destinationSchema, raw);
  return {
    ...(baseUrl !== undefined && { typedBaseUrl: baseUrl }),
    typedLimits: apiKeyEnv === undefined ? {} : { apiKeyEnv },
  };
}
