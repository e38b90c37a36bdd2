/** Whether a batch that lies in the output folder really is what was typed: its id and hash are predictable, so anyone can have put it there. */
import type { PromptItem } from '../../core/prompt.ts';
import type { RequestSettings } from '../../core/settings.ts';
import type { BatchDraft } from '../../store/batch-draft.ts';
import { readPromptItems } from '../../store/ledger/batch-reading.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import { requestKey } from '../../store/prompts/request-key.ts';
import { UsageError } from '../usage-error.ts';

/** What a prompt asks, and how often. */
function askedBy(item: PromptItem, settings: RequestSettings): string {
  const { digest, maxTokens } = requestKey(item, settings);
  return `${digest.toString('hex')} ${maxTokens} ${item.completions ?? settings.completions}`;
}

/** Throws `UsageError` unless the batch sends its prompts where `request` does. */
export function assertSameAddress(store: BatchStore, { settings }: Manifest, request: RequestSettings): void {
  if (settings.provider === request.provider && settings.baseUrl === request.baseUrl) return;
  throw notTheSame(
    store,
    `it sends its prompts to ${addressOf(settings)}, and what you typed goes to ${addressOf(request)}`,
  );
}

/**
 * Throws `UsageError` unless the batch has exactly the prompts of the draft, each asked in the same way. `wanted` has what
 * the command line meant to this version and to earlier ones, one of which must fit.
 */
export async function assertSameRequests(
  store: BatchStore,
  manifest: Manifest,
  draft: BatchDraft,
  wanted: readonly RequestSettings[],
): Promise<void> {
  if (manifest.prompts !== draft.prompts)
    throw notTheSame(store, `it has ${manifest.prompts} prompts, and your file has ${draft.prompts}`);
  const theirs = readPromptItems(store);
  try {
    for await (const { index, item } of draft.items()) {
      const other = await theirs.next();
      const isSame =
        !other.done &&
        wanted.some((settings) => askedBy(item, settings) === askedBy(other.value.item, manifest.settings));
      if (!isSame)
        throw notTheSame(
          store,
          `its prompt ${index + 1} is another one than that of your file, or is asked with other settings`,
        );
    }
  } finally {
    await theirs.return(undefined);
  }
}

const addressOf = ({ provider, baseUrl }: RequestSettings): string =>
  baseUrl === '' ? `provider ${provider}` : `${baseUrl} (provider ${provider})`;

const notTheSame = ({ batchId, location }: BatchStore, difference: string): UsageError =>
  new UsageError(
    `${batchId} in ${location.outputDir} was not started by you here, and is not what you typed: ${difference}. ` +
      'Nothing was sent. Use another --output-dir, or --new for a batch of your own beside it.',
  );
