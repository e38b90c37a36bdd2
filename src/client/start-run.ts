/** Makes a batch go on: starts a run on the server. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Config } from '../config.ts';
import { type BatchInput, type BatchSettings, taskQueueOf } from '../contract.ts';
import { acquireProcessLock } from '../server/process-lock.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { promptBatch } from '../workflows/index.ts';
import { quoted, SUMMARY_BYTES, summaryText } from '../workflows/web-ui.ts';
import { UsageError } from './options/usage-error.ts';
import { type BatchMemo, isOf, type ServerView, viewOf } from './server-view.ts';
import type { Temporal } from './temporal.ts';

/** Throws {@link UsageError} if the id is taken on this server by an open batch of another store. */
export function assertOurs(view: ServerView, store: BatchStore): void {
  if (view.kind !== 'open' || isOf(view, store)) return;
  const owner = view.memo.store;
  throw new UsageError(
    `the id ${store.batchId} is taken on this Temporal server by an open batch of another output folder ` +
      `(${owner ? `${owner.outputDir} on ${owner.host}` : 'its owner is not known'}). ` +
      'Choose another --id, or end that batch first.',
  );
}

export interface StartOptions {
  config: Config;
  temporal: Temporal;
  store: BatchStore;
  limits: BatchSettings['limits'];
  liftPause: boolean;
  /** Last work on the ledger before the run of this number reads it, while nobody else writes there. */
  prepare?: ((run: number) => Promise<void>) | undefined;
}

/**
 * Starts the batch's next run, seeded from the ledger. A pause of an earlier run stays unless
 * `liftPause`. Somebody else's start at the same moment is as good.
 */
export async function startRun({
  config,
  temporal,
  store,
  limits,
  liftPause,
  prepare,
}: StartOptions): Promise<void> {
  const release = await acquireProcessLock(
    join(config.home, 'locks', `${store.location.uuid}-${store.batchId}`),
  );
  try {
    const view = await viewOf(temporal, store.batchId);
    assertOurs(view, store);
    if (view.kind === 'open') return;
    const manifest = await store.updateManifest((current) => {
      const run = (current.runs.at(-1)?.run ?? 0) + 1;
      return {
        ...current,
        limits,
        pause: liftPause ? null : current.pause,
        runs: [...current.runs, { run, started_at: new Date().toISOString(), limits }],
      };
    });
    const { settings, batch_name: name, runs } = manifest;
    const { run } = runs.at(-1)!;
    await prepare?.(run);
    const input: BatchInput = {
      batchId: store.batchId,
      name,
      run,
      store: store.location,
      prompts: manifest.prompts,
      shards: manifest.shards,
      shardSize: manifest.shard_size,
      settings: { request: settings, limits },
      pause: manifest.pause,
    };
    const { uuid, outputDir } = store.location;
    const memo: BatchMemo = {
      store: { uuid, outputDir, host: hostname() },
      name,
      simulated: settings.provider === 'simulated',
    };
    await temporal.client.workflow.start<typeof promptBatch>('promptBatch', {
      workflowId: store.batchId,
      taskQueue: taskQueueOf(store.location, store.batchId),
      args: [input],
      memo: { ...memo },
      staticSummary: summaryOf(input),
      staticDetails: detailsOf(input),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    assertOurs(await viewOf(temporal, store.batchId), store);
  } finally {
    await release();
  }
}

function summaryOf({ name, prompts, settings: { request } }: BatchInput): string {
  const mark = request.provider === 'simulated' ? '[simulated] ' : '';
  const text = `${mark}${prompts} prompts × ${request.completions} · ${quoted(request.model, 80)} · `;
  const room = SUMMARY_BYTES - Buffer.byteLength(JSON.stringify(text));
  return summaryText(text + quoted(name, room));
}

function detailsOf({
  batchId,
  name,
  run,
  prompts,
  store,
  settings: { request, limits },
}: BatchInput): string {
  return [
    `**${quoted(name)}** (batch \`${batchId}\`, run ${run})`,
    '',
    `- ${prompts} prompts, ${request.completions} completions each, at most ${limits.maxWorkers} prompts in progress`,
    `- ${request.provider}, model ${quoted(request.model)}, temperature ${request.temperature}, top_p ${request.topP}, max_tokens ${request.maxTokens}`,
    `- results in ${quoted(store.outputDir)}`,
    ...(request.provider === 'simulated' ? ['- **simulated**: the answers are made up on this machine'] : []),
  ].join('\n');
}
