import type { Config } from '../config.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { locateBatches } from './locate-batch.ts';
import { UsageError } from './options/usage-error.ts';
import { plural } from './render/number-text.ts';
import { reuseAnswers } from './reuse.ts';

/**
 * Takes over what the batches noted in the manifest (`--reuse`), and those of `more`, have paid for. Done
 * before every run, so that a command that was killed in the middle of it is made good by the next one.
 */
export async function takeOver(
  config: Config,
  store: BatchStore,
  more: readonly string[],
  note: (line: string) => void,
): Promise<void> {
  let { reuse } = await store.readManifest();
  if (more.some((id) => !reuse.includes(id))) {
    ({ reuse } = await store.updateManifest((manifest) => ({
      ...manifest,
      reuse: [...new Set([...manifest.reuse, ...more])],
    })));
  }
  if (reuse.length === 0) return;
  const earlier: BatchStore[] = [];
  for (const id of reuse) {
    try {
      earlier.push(...(await locateBatches(config, [id], store.location.outputDir)));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      note(`${id} is not there any more: nothing else can be taken over from it.`);
    }
  }
  const taken = await reuseAnswers(store, earlier, new Date());
  if (taken > 0 || more.length > 0)
    note(`${plural(taken, 'completion')} taken over from ${reuse.join(', ')}.`);
}
