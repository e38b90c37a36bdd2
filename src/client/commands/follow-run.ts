/** What `run` and `resume` do once the batch is known: server, worker, progress, last words. */
import { randomUUID } from 'node:crypto';
import type { BatchSettings, LimitChanges } from '../../core/settings.ts';
import { appendControl } from '../../store/controls-log.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { requestedBy } from '../control/requested-by.ts';
import { type ContinueEnd, type ContinueOptions, continueBatch, openBatch } from '../start/continue-batch.ts';
import { flagOf } from '../options/parse-flags.ts';
import { createProgressView } from '../render/progress/progress-view.ts';
import { toShownUrl } from '../render/shown-url.ts';
import { missingPrice, requireApiKey } from '../start/request-settings.ts';
import { asTyped } from '../../system/typed-command.ts';
import { commandLine, idWord, shellWord, shellWords } from '../../core/command-line.ts';
import { hasLiveWorker } from '../observe/server-view.ts';
import { flagsOfSet, manifestLimits, settableLimits } from '../control/settable-limits.ts';
import type { StartOptions } from '../start/start-run.ts';
import { reuseEarlierAnswers, type ReuseEarlierOptions } from '../reuse/reuse-earlier-answers.ts';
import { connectTemporal, type Temporal } from '../connect/temporal.ts';
import { withServer } from '../connect/with-server.ts';
import { type CommandContext, interruptSignal, outputStream, outputTraits } from './context.ts';
import { printDetached, printEnd } from './print-end.ts';
import { logToFile } from './worker-log.ts';

interface FollowOptions {
  store: BatchStore;
  settings: BatchSettings;
  /** Limits the user named, most of which a batch that is open already does not take. */
  typedLimits: Partial<BatchSettings['limits']>;
  liftPause: boolean;
  /** Why, for whoever looks at the batch. */
  reason?: string | null;
  detach: boolean;
  /** What was typed of earlier answers, besides what the manifest notes. */
  reuse?: Pick<ReuseEarlierOptions, 'named' | 'policy' | 'otherwise'>;
  prepare?: StartOptions['prepare'];
  context: CommandContext;
}

export async function followRun(options: FollowOptions): Promise<number> {
  const { store, settings, liftPause, reason = null, detach, reuse = {}, context } = options;
  const { config, note } = context;
  if (!detach) requireApiKey(config, settings);
  logToFile(context);
  const temporal = await connectTemporal(config, note);
  try {
    const prepare = async (run: number): Promise<void> => {
      // A failed prompt wants earlier answers only once it is open again. Killed in between, the next run takes them over.
      await options.prepare?.(run);
      await reuseEarlierAnswers({ config, store, note, ...reuse });
    };
    const start: StartOptions = {
      ...{ config, temporal, store, limits: settings.limits },
      ...{ liftPause, reason, prepare },
    };
    if (detach) {
      await noteOpen(options, temporal, await withServer({ config, temporal, note }, () => openBatch(start)));
      return printDetached(store, temporal, context);
    }
    const onOpen = async (attached: boolean): Promise<LimitChanges> => {
      const { told, noted } = await noteOpen(options, temporal, attached);
      await noteInManifest(options, noted);
      const webUi = temporal.webUiOf(store.batchId);
      note(`Batch ${store.batchId}${attached ? ' (continued)' : ''}`);
      if (webUi) note(`Web UI ${toShownUrl(webUi)}`);
      return told;
    };
    const end = await followWithView({ ...start, onOpen }, settings, context);
    return await printEnd(store, end, temporal, context);
  } finally {
    await temporal.close();
  }
}

/** Limits that were typed for an open batch: those that it is told, and those that are only noted in its manifest. */
interface OpenChanges {
  told: LimitChanges;
  noted: Partial<BatchSettings['limits']>;
}

/** Of what was typed, the limits that the open batch takes; says what comes too late for it. */
async function noteOpen(
  {
    store,
    typedLimits,
    liftPause,
    detach,
    reuse: { named = [], policy } = {},
    context: { note },
  }: FollowOptions,
  temporal: Temporal,
  attached: boolean,
): Promise<OpenChanges> {
  if (!attached) return { told: {}, noted: {} };
  const alone = !(await hasLiveWorker(temporal, store));
  const changes = detach ? { told: {}, noted: {} } : changesOf(typedLimits, { alone, liftPause });
  const ignored = Object.keys(typedLimits).filter(
    (name) => name !== 'autoWorkers' && !(name in changes.told) && !(name in changes.noted),
  );
  if (ignored.length > 0) {
    note(ignoredText(store.batchId, typedLimits, ignored));
  }
  if (named.length > 0 || policy !== undefined)
    note('The batch is already open: --reuse and --no-reuse have no effect on this run.');
  return changes;
}

/** `names`: the typed limits that a running batch does not take; a command is offered for those that `set` changes. */
function ignoredText(
  batchId: string,
  typed: Partial<BatchSettings['limits']>,
  names: readonly string[],
): string {
  const list = (limits: readonly string[]): string =>
    new Intl.ListFormat('en').format(limits.map(flagOfLimit));
  const ignored = `This batch is already running; ${list(names)} ${names.length === 1 ? 'was' : 'were'} ignored.`;
  const settable = settableLimits(typed);
  const offered = Object.fromEntries(
    Object.entries(settable).filter(([name]) => names.includes(name) || name === 'autoWorkers'),
  ) as LimitChanges;
  const flags = flagsOfSet(offered);
  if (flags.length === 0) return ignored;
  const changed = names.filter((name) => name in offered);
  const what = changed.length < names.length ? list(changed) : names.length === 1 ? 'it' : 'them';
  const words = shellWords(flags.map((word) => shellWord(word, '<value>')));
  return `${ignored} Change ${what} with: ${asTyped(commandLine`durabatch set ${idWord(batchId)} ${words}`)}`;
}

/** Nothing of this goes through Temporal, whose port is open to others on this machine: a worker takes it from here. */
async function noteInManifest(
  { store, reason = null }: Pick<FollowOptions, 'store' | 'reason'>,
  changes: OpenChanges['noted'],
): Promise<void> {
  if (Object.keys(changes).length === 0) return;
  await store.updateManifest((manifest) => ({ ...manifest, limits: { ...manifest.limits, ...changes } }));
  const at = new Date().toISOString();
  await appendControl(store.folder, {
    id: randomUUID(),
    control: 'set',
    at,
    ...requestedBy(reason),
    changes,
  });
}

async function followWithView(
  start: StartOptions & Required<Pick<ContinueOptions, 'onOpen'>>,
  settings: BatchSettings,
  context: CommandContext,
): Promise<ContinueEnd> {
  const { isTTY, color } = outputTraits();
  const simulated = settings.request.provider === 'simulated';
  const view = createProgressView({
    stream: outputStream(),
    isTTY,
    color,
    json: context.json,
    batchId: start.store.batchId,
    simulated,
  });
  // The table of prices is large: nothing waits for it but the end.
  let priceNoted: Promise<void> | undefined;
  const notePrice = async (): Promise<void> => {
    const missing = simulated ? null : await missingPrice(settings, context.config);
    if (missing !== null) view.note(missing);
  };
  const onOpen: typeof start.onOpen = async (attached) => {
    if (!attached) priceNoted = notePrice();
    return start.onOpen(attached);
  };
  try {
    const end = await continueBatch({
      ...start,
      onOpen,
      worker: true,
      onProgress: view.update,
      note: view.note,
      interrupt: interruptSignal(),
    });
    await priceNoted;
    return end;
  } finally {
    view.end();
  }
}

/** Limits that an open batch takes: any where nobody works on it, else those that `set` takes, and only from `resume`. */
function changesOf(
  typed: Partial<BatchSettings['limits']>,
  { alone, liftPause }: { alone: boolean; liftPause: boolean },
): OpenChanges {
  return {
    told: alone || liftPause ? settableLimits(typed) : {},
    noted: alone ? manifestLimits(typed) : {},
  };
}

/** Of a limit: `requestTimeoutMs` → `--request-timeout`. */
export const flagOfLimit = (name: string): string => flagOf(name.replace(/(Ms|NanoUsd)$/, ''));
