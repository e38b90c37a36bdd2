/** The question before a batch that this user has not started himself gets a key. */
import { createInterface } from 'node:readline/promises';
import type { RunLimits } from '../../core/settings.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { promptsDigests } from '../../store/prompts/prompts-digest.ts';
import { type Destination, destinationOf, isSimulated, unusualAddress } from '../../providers/destination.ts';
import { asTyped } from '../../system/typed-command.ts';
import {
  commandLine,
  idWord,
  placeholderWord,
  type ShellWord,
  shellWord,
  shellWords,
} from '../../core/command-line.ts';
import { approve, coversBatch, isWithin, readApproval } from './approvals.ts';
import { quoteText } from '../../input/describe-value.ts';
import { UsageError } from '../usage-error.ts';
import { plural, roundCostText } from '../render/number-text.ts';
import type { CommandContext } from '../commands/context.ts';

/** What was typed on the command line. */
export interface TypedDestination {
  /** Name of the command. */
  command: 'add' | 'resume' | 'retry';
  outputDir?: string;
  typedBaseUrl?: string;
  typedLimits?: Partial<RunLimits>;
}

/**
 * Returns when the batch may send its prompts with this user's key: the user has started it with these prompts, settings, prices and
 * limits, has typed its address and key variable, or says yes on a terminal. Throws `UsageError` otherwise.
 */
export async function confirmDestination(
  store: BatchStore,
  manifest: Manifest,
  typed: TypedDestination,
  context: CommandContext,
): Promise<void> {
  const { home } = context.config;
  const { settings, limits } = manifest;
  const { typedBaseUrl, typedLimits = {} } = typed;
  const { apiKeyEnv } = typedLimits;
  const destination = destinationOf(settings, { apiKeyEnv: apiKeyEnv ?? limits.apiKeyEnv });
  if (typedBaseUrl !== undefined && typedBaseUrl !== destination.baseUrl)
    throw new UsageError(
      `--base-url: ${store.batchId} sends its prompts to ${destination.baseUrl || 'nobody'}, not to ${typedBaseUrl}. ` +
        'The address is part of a batch: to ask another one, run the file again with --base-url.',
    );
  const unusual = unusualAddress(destination);
  if (unusual !== null) context.note(unusual);
  const isTyped = typedBaseUrl !== undefined && (apiKeyEnv !== undefined || destination.apiKeyEnv === '');
  const prompts = await promptsDigests(store.folder, manifest);
  const approval = readApproval(home, store, destination);
  const isKnown = coversBatch(approval, manifest, prompts) && isWithin(limits, approval, typedLimits);
  if (!isTyped && !isKnown && !isSimulated(destination)) {
    const question = questionOf(store, manifest, destination, approval !== null);
    if (!(await saysYes(question, context)))
      throw new UsageError(refusalOf(question, store, destination, typed));
  }
  const priceTables = manifest.runs.flatMap(({ price_table: hash }) => hash ?? []);
  await approve(home, store, destination, {
    ...{ prompts, priceTables, spending: { ...limits, ...typedLimits } },
  });
}

/** `isOther`: this user has approved a batch of the same id and folder, with other contents. */
function questionOf(
  { batchId, location }: BatchStore,
  { prompts, settings, limits, max_completions: completions }: Manifest,
  { baseUrl, apiKeyEnv }: Destination,
  isOther: boolean,
): string {
  const why = isOther
    ? 'has other prompts, settings, prices or limits than you have started or confirmed here'
    : 'was not started by you here';
  const cap =
    limits.maxCostNanoUsd === null ? 'no cost cap' : `cost cap ${roundCostText(limits.maxCostNanoUsd)}`;
  const most = plural(Math.max(completions, settings.completions), 'completion');
  return (
    `${batchId} in ${location.outputDir} ${why}. It would send ${plural(prompts, 'prompt')} ` +
    `(model ${quoteText(settings.model)}, up to ${most} each, ${cap}) to ${baseUrl}` +
    (apiKeyEnv === '' ? '.' : ` with the key in ${apiKeyEnv}.`)
  );
}

function refusalOf(
  question: string,
  store: BatchStore,
  destination: Destination,
  { command, outputDir }: TypedDestination,
): string {
  const words = [
    ...(command === 'add' ? [placeholderWord('file')] : []),
    ...(outputDir === undefined ? [] : [shellWord('--output-dir', ''), shellWord(outputDir, '<folder>')]),
    ...destinationFlags(destination),
  ];
  const again = commandLine`durabatch ${shellWord(command, '')} ${idWord(store.batchId)} ${shellWords(words)}`;
  return `${question} Nothing was sent. If you trust it, type: ${asTyped(again)}`;
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

/** Returns the flags that confirm a destination, for a command that is offered. */
export const destinationFlags = ({ baseUrl, apiKeyEnv }: Destination): ShellWord[] => [
  ...[shellWord('--base-url', ''), shellWord(baseUrl, '<url>')],
  ...(apiKeyEnv === '' ? [] : [shellWord('--api-key-env', ''), shellWord(apiKeyEnv, '<name>')]),
];
