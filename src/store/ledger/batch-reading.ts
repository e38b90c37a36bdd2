/** The whole batch as its store tells it, prompt by prompt: for reports, status and a run's start. */
import type { PromptItem } from '../../core/prompt.ts';
import type { BatchStore } from '../batch-store.ts';
import { billOf } from './bill.ts';
import type { LedgerReader } from './ledger-reader.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { attemptOf, discardedAnswers, type ReadRecord } from './discarded-answers.ts';
import type { BoughtAnswer, Completion, PromptOutcome } from './outcome.ts';
import type { PromptHistory } from './prompt-history.ts';
import type { AnswerRecord } from './records.ts';
import { requestLogOf } from './request-log.ts';
import { type Judgement, LENIENT, type PromptState, promptStateOf } from './prompt-state.ts';

export interface PromptReading {
  shard: number;
  index: number;
  item: PromptItem;
  history: PromptHistory;
  promptState: PromptState;
  /** Good until the next prompt is asked for. */
  reader: LedgerReader;
}

export const completionsOf = (item: PromptItem, manifest: Manifest): number =>
  item.completions ?? manifest.settings.completions;

/**
 * The prompts of one shard in input order, each with what the ledger holds at the time of the call. What is still to be
 * bought depends on the run's `judgement`.
 */
export async function* readShardPrompts(
  store: BatchStore,
  shard: number,
  judgement: Judgement = LENIENT,
): AsyncGenerator<PromptReading> {
  const manifest = await store.manifest();
  const open = await store.openShard(shard);
  try {
    const { reader } = open;
    await reader.refresh();
    for await (const { index, item } of open.prompts()) {
      const history = reader.history(index);
      const promptState = promptStateOf(history, completionsOf(item, manifest), undefined, judgement);
      yield { shard, index, item, history, promptState, reader };
    }
  } finally {
    await open.release();
  }
}

/** All prompts of the batch in input order, without what the ledger holds. */
export async function* readPromptItems(
  store: BatchStore,
): AsyncGenerator<{ index: number; item: PromptItem }> {
  const { shards } = await store.manifest();
  for (let shard = 0; shard < shards; shard++) {
    const open = await store.openShard(shard);
    try {
      yield* open.prompts();
    } finally {
      await open.release();
    }
  }
}

export async function* readBatchPrompts(store: BatchStore): AsyncGenerator<PromptReading> {
  const { shards } = await store.manifest();
  for (let shard = 0; shard < shards; shard++) yield* readShardPrompts(store, shard);
}

/** Takes a prompt's records into account. */
export function noteNewest(newest: Map<number, string>, history: PromptHistory): void {
  const { starts, answers, faults, settled } = history;
  for (const records of [starts, answers, faults, settled]) {
    for (const { run, at } of records) if (at > (newest.get(run) ?? '')) newest.set(run, at);
  }
}

function newestOf(history: PromptHistory): Map<number, string> {
  const newest = new Map<number, string>();
  noteNewest(newest, history);
  return newest;
}

/** `closed` says whether an open prompt is one that never ran, or one that still may. */
export async function* outcomesOf(store: BatchStore, closed: boolean): AsyncGenerator<PromptOutcome> {
  for await (const reading of readBatchPrompts(store)) yield await outcomeOf(reading, closed);
}

/** What became of one prompt, its texts read. */
export async function outcomeOf(
  { item, history, promptState, reader }: Omit<PromptReading, 'shard' | 'index'>,
  closed: boolean,
): Promise<PromptOutcome> {
  const readRecord = recordsOf(reader);
  return {
    item,
    status: promptState.settled?.status ?? (closed ? 'not_run' : 'pending'),
    completions: await completionTexts(promptState, history, readRecord),
    paid: promptState.paid,
    bill: billOf(history, promptState),
    answers: boughtAnswers(history, promptState),
    discarded: await discardedAnswers(history, promptState, readRecord),
    error: promptState.settled?.error ?? null,
    requests: requestLogOf(history),
    lastRecordAt: newestOf(history),
  };
}

export function boughtAnswers(history: PromptHistory, { chosen }: PromptState): BoughtAnswer[] {
  const used = new Set(chosen.map(({ answer }) => answer.id));
  return history.answers
    .filter((answer) => !answer.reused)
    .map(({ id, at, model, usage, doubtfulUsage, costNanoUsd, price, choices, start }) => ({
      ...{ id, at, model, usage, costNanoUsd, price },
      ...(doubtfulUsage && { doubtfulUsage }),
      samples: choices.map(({ sample }) => sample),
      worstCostNanoUsd: history.starts.find((sent) => sent.id === start)?.worstCostNanoUsd ?? null,
      kept: used.has(id),
    }));
}

/** Reads an answer of one prompt, each once. */
function recordsOf(reader: LedgerReader): ReadRecord {
  const records = new Map<string, AnswerRecord>();
  return async (answer) => {
    const record = records.get(answer.id) ?? (await reader.read(answer));
    records.set(answer.id, record);
    return record;
  };
}

async function completionTexts(
  promptState: PromptState,
  history: PromptHistory,
  readRecord: ReadRecord,
): Promise<Completion[]> {
  const told = new Set<string>();
  const completions: Completion[] = [];
  for (const { sample, answer, finishReason } of promptState.chosen) {
    const first = !told.has(answer.id);
    told.add(answer.id);
    const record = await readRecord(answer);
    const choice = record.choices.find((candidate) => candidate.sample === sample);
    if (!choice) throw new Error(`answer ${answer.id} has no sample ${sample}`);
    completions.push({
      recordId: answer.id,
      sample,
      text: choice.text,
      ...(choice.reasoning === undefined ? {} : { reasoning: choice.reasoning }),
      finishReason,
      truncated: finishReason === 'length',
      usage: first ? answer.usage : null,
      costNanoUsd: first ? answer.costNanoUsd : null,
      latencyMs: answer.latencyMs,
      model: answer.model,
      requestId: answer.requestId,
      at: answer.at,
      attempt: attemptOf(history, answer),
      ...(answer.reused && { reused: answer.reused }),
    });
  }
  return completions;
}
