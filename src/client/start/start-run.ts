/** Makes a batch go on: starts a run on the server. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Config } from '../../config.ts';
import { type Addition, taskQueueOf } from '../../core/batch-layout.ts';
import type { BatchInput } from '../../core/batch-input.ts';
import type { BatchSettings } from '../../core/settings.ts';
import { destinationOf } from '../../providers/destination.ts';
import { acquireProcessLock } from '../../system/process-lock.ts';
import { workerIdentity } from '../../system/worker-identity.ts';
import { takeInAddition } from '../../store/additions.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { appendControl } from '../../store/controls-log.ts';
import { keepPriceTable } from '../../store/manifest/run-prices.ts';
import { layoutOf, type Manifest, type ManifestRun } from '../../store/manifest/manifest.ts';
import { withoutRun, withRun } from '../../store/manifest/run-notes.ts';
import { openWorkersFolder } from '../../store/workers/worker-records.ts';
import type { promptBatch } from '../../workflows/index.ts';
import { firstAttributes, searchAttributes } from '../../workflows/display/search-attributes.ts';
import { countsOf, newTally } from '../../workflows/tally.ts';
import { quoted, SUMMARY_BYTES, summaryText, timeText } from '../../workflows/display/web-ui.ts';
import { approvePriceTable } from '../trust/approvals.ts';
import { requestedBy } from '../control/requested-by.ts';
import { takesAttributes, takesBatchHash } from '../connect/batch-attributes.ts';
import { hashName } from './batch-identity.ts';
import { UsageError } from '../usage-error.ts';
import { isOf, type ServerView, viewOf } from '../observe/server-view.ts';
import type { BatchMemo } from '../observe/told-by-server.ts';
import { tableForRun } from '../prices/table-for-run.ts';
import type { Temporal } from '../connect/temporal.ts';
import { assertNobodyElsewhere } from './working-elsewhere.ts';
import { inHome } from '../../system/home.ts';

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
  /** Why, for whoever looks at the batch. */
  reason?: string | null;
  /** Prompts to be taken in with the start. */
  addition?: Addition;
  /** Last work on the ledger before the run of this number reads it, while nobody else writes there. */
  prepare?: ((run: number) => Promise<void>) | undefined;
}

/**
 * Starts the batch's next run, seeded from the ledger. A pause of an earlier run stays unless
 * `liftPause`. False: it is open already, be it by somebody else's start at the same moment, which is as good.
 */
export async function startRun({
  config,
  temporal,
  store,
  limits,
  liftPause,
  reason = null,
  addition,
  prepare,
}: StartOptions): Promise<boolean> {
  const release = await acquireProcessLock(
    inHome(config.home, 'locks', `${store.location.uuid}-${store.batchId}`),
  );
  let begun: ManifestRun | null = null;
  try {
    await store.assertNoLinks();
    await openWorkersFolder(store.folder);
    const { runs, settings } = await store.readManifest();
    const lastRun = runs.at(-1);
    if (lastRun) await store.requireLedger();
    const view = await viewOf(temporal, store.batchId);
    assertOurs(view, store);
    if (view.kind === 'open') return false;
    await assertNobodyElsewhere(store, lastRun, temporal.serverId);
    // Asked while the manifest is being written; it never rejects.
    const hasSearchAttributes = takesAttributes(temporal);
    // One after the other: both may add what an embedded server of before lacks.
    const hasBatchHash = hasSearchAttributes.then(() => takesBatchHash(temporal));
    // Before the run is noted: a run that a crash leaves without its workflow has its table too.
    const priceTable = await keepPriceTable(store.folder, await tableForRun(config, settings));
    await approvePriceTable(config.home, store, destinationOf(settings, limits), priceTable);
    const startedBy = { server: temporal.serverId, starter: workerIdentity(), price_table: priceTable };
    const startedAt = new Date().toISOString();
    const beginRun = (current: Manifest): Manifest =>
      withRun(current, { started_at: startedAt, limits, ...startedBy }, liftPause);
    const control = { id: randomUUID(), at: new Date().toISOString(), ...requestedBy(reason) };
    const manifest = addition
      ? await takeInAddition(store, addition, { ...control, control: 'add' }, beginRun)
      : await store.updateManifest(beginRun);
    begun = manifest.runs.at(-1)!;
    if (liftPause) await appendControl(store.folder, { ...control, control: 'resume' });
    const { batch_name: name, input_hash: inputHash } = manifest;
    const hash = hashName(inputHash);
    const { run } = begun;
    await prepare?.(run);
    const input: BatchInput = {
      batchId: store.batchId,
      name,
      host: hostname(),
      startedAt,
      hasSearchAttributes: await hasSearchAttributes,
      run,
      store: store.location,
      ...layoutOf(manifest),
      settings: { request: settings, limits },
      pause: manifest.pause,
    };
    const { uuid, outputDir } = store.location;
    const memo: BatchMemo = {
      about: summaryOf(input),
      store: { uuid, outputDir, host: hostname() },
      name,
      hash,
      simulated: settings.provider === 'simulated',
      // Until the workflow counts.
      ...(run === 1 && { counts: countsOf(newTally(manifest.prompts), 0, false) }),
    };
    await temporal.client.workflow.start<typeof promptBatch>('promptBatch', {
      workflowId: store.batchId,
      taskQueue: taskQueueOf(store.location, store.batchId),
      args: [input],
      memo: { ...memo },
      typedSearchAttributes: [
        ...(input.hasSearchAttributes ? firstAttributes(input) : []),
        ...((await hasBatchHash) ? [{ key: searchAttributes.BatchHash, value: hash }] : []),
      ],
      staticSummary: summaryOf(input),
      staticDetails: detailsOf(input),
    });
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    // A command on another machine was faster: the open run is its run.
    const unused = begun;
    if (unused) await store.updateManifest((current) => withoutRun(current, unused));
    assertOurs(await viewOf(temporal, store.batchId), store);
    return false;
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
  host = '',
  startedAt = '',
  run,
  prompts,
  store,
  settings: { request, limits },
}: BatchInput): string {
  return [
    `**${quoted(name)}** (batch \`${batchId}\`, run ${run})`,
    '',
    `- ${prompts} prompts × ${request.completions} ${request.completions === 1 ? 'completion' : 'completions'}, at most ${limits.maxWorkers} prompts in progress${limits.autoWorkers ? ', as many as the provider takes' : ''}`,
    `- ${request.provider}, model ${quoted(request.model)}, temperature ${request.temperature}, top_p ${request.topP}, max_tokens ${request.maxTokens}`,
    `- started ${timeText(startedAt)} on ${quoted(host)}; results in ${quoted(store.outputDir)} there`,
    ...(request.provider === 'simulated' ? ['- **simulated**: the answers are made up on this machine'] : []),
    '- **no current details?** Then no worker is on it: the tab *Memo* says how it stands and, under `next`, what to do',
  ].join('\n');
}
