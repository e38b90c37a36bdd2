/** The question before a batch that this user has not started himself gets a key. */
import { createInterface } from 'node:readline/promises';
import type { RunLimits } from '../../contract.ts';
import type { Manifest } from '../../store/manifest.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { type Destination, destinationOf, isSimulated, unusualAddress } from '../../providers/destination.ts';
import { asTyped } from '../../typed-command.ts';
import { commandLine, idWord, placeholderWord, shellWord, shellWords } from '../../workflows/command-line.ts';
import { approve, isOwn } from '../approvals.ts';
import { UsageError } from '../options/usage-error.ts';
import type { CommandContext } from './context.ts';

/** What was typed on the command line. */
export interface TypedDestination {
  /** Name of the command. */
  command: 'add' | 'resume' | 'retry';
  outputDir?: string;
  typedBaseUrl?: string;
  typedLimits?: Partial<Pick<RunLimits, 'apiKeyEnv'>>;
}

/**
 * Returns when the batch may send its prompts with this user's key: the user has started it, has typed its address and key
 * variable, or says yes on a terminal. Throws `UsageError` otherwise.
 */
export async function confirmDestination(
  store: BatchStore,
  { settings, limits }: Pick<Manifest, 'settings' | 'limits'>,
  typed: TypedDestination,
  context: CommandContext,
): Promise<void> {
  const { home } = context.config;
  const { typedBaseUrl, typedLimits: { apiKeyEnv } = {} } = typed;
  const destination = destinationOf(settings, { apiKeyEnv: apiKeyEnv ?? limits.apiKeyEnv });
  if (typedBaseUrl !== undefined && typedBaseUrl !== destination.baseUrl)
    throw new UsageError(
      `--base-url: ${store.batchId} sends its prompts to ${destination.baseUrl || 'nobody'}, not to ${typedBaseUrl}. ` +
        'The address is part of a batch: to ask another one, run the file again with --base-url.',
    );
  const unusual = unusualAddress(destination);
  if (unusual !== null) context.note(unusual);
  const isTyped = typedBaseUrl !== undefined && (apiKeyEnv !== undefined || destination.apiKeyEnv === '');
  if (!isTyped && !isSimulated(destination) && !(await isOwn(home, store, destination))) {
    const isConfirmed = await saysYes(questionOf(store, destination), context);
    if (!isConfirmed) throw new UsageError(refusalOf(store, destination, typed));
  }
  await approve(home, store, destination);
}

const questionOf = ({ batchId, location }: BatchStore, { baseUrl, apiKeyEnv }: Destination): string =>
  `${batchId} in ${location.outputDir} was not started by you here. It would send its prompts to ${baseUrl}` +
  (apiKeyEnv === '' ? '.' : ` with the key in ${apiKeyEnv}.`);

function refusalOf(
  store: BatchStore,
  destination: Destination,
  { command, outputDir }: TypedDestination,
): string {
  const { baseUrl, apiKeyEnv } = destination;
  const words = [
    ...(command === 'add' ? [placeholderWord('file')] : []),
    ...(outputDir === undefined ? [] : [shellWord('--output-dir', ''), shellWord(outputDir, '<folder>')]),
    ...[shellWord('--base-url', ''), shellWord(baseUrl, '<url>')],
    ...(apiKeyEnv === '' ? [] : [shellWord('--api-key-env', ''), shellWord(apiKeyEnv, '<name>')]),
  ];
  const again = commandLine`durabatch ${shellWord(command, '')} ${idWord(store.batchId)} ${shellWords(words)}`;
  return `${questionOf(store, destination)} Nothing was sent. If you trust it, type: ${asTyped(again)}`;
}

async function saysYes(question: string, { json, note }: CommandContext): Promise<boolean> {
  if (json || !process.stdin.isTTY || !process.stderr.isTTY) return false;
  note(question);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question('Send them? [y/N] ')).trim());
  } finally {
    prompt.close();
  }
}
