import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { createWriteReport } from '../../src/activities/write-report.ts';
import type { BatchOutcome } from '../../src/core/outcome.ts';
import type { Pause } from '../../src/core/progress.ts';
import type { ReportRequest } from '../../src/core/prompt-task.ts';
import { fromOutcomeBill, toReportBill } from '../../src/store/digests/bill-tally.ts';
import { toReportFailure } from '../../src/store/digests/failure-tally.ts';
import { bundledTable } from '../../src/prices/bundled-table.ts';
import { nanoUsdToUsd } from '../../src/core/money.ts';
import type { BatchResults } from '../../src/report/results-json.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import type { Shard } from '../../src/store/shard.ts';
import { manifestOf } from '../report/support/report-fixtures.ts';
import { makeBatch } from '../store/support/batches.ts';
import { answer, settled, usage } from '../store/support/records.ts';
import { mockActivity, toldTemporal } from './support/prompt-desk.ts';

const pause: Pause = { reason: 'operator', message: 'm', since: '2026-01-01T00:00:00.000Z' };
const runs = [{ run: 1, started_at: '2026-01-01T00:00:00.000Z', limits: manifestOf(1).limits }];
const request: ReportRequest = {
  batchId: 'b',
  run: 1,
  state: 'cancelled',
  endedAt: '2026-01-01T00:00:30.000Z',
};
const items = [
  { prompt_id: 'done', prompt: 'x', completions: 1 },
  { prompt_id: 'open', prompt: 'x' },
];

test('the report is written, and the manifest says how the run ended', async (t) => {
  const store = await makeBatch(t, items, { runs, pause });
  const { writer } = await store.openShard(0);
  await writer.append(answer('a'), { durable: true });
  await writer.append(settled('e', { answers: ['a'] }), { durable: true });
  const writeReport = createWriteReport({ store });
  const outcome = (await mockActivity().run(writeReport, request)) as BatchOutcome;
  assert.deepEqual(
    [outcome.state, outcome.durationSeconds, outcome.paid],
    ['cancelled', 30, { usage, costNanoUsd: 7 }],
  );
  assert.deepEqual(outcome.counts, {
    total: 2,
    pending: 0,
    running: 0,
    succeeded: 1,
    failed: 0,
    notRun: 1,
  });
  const { results } = JSON.parse(await readFile(outcome.resultsFile, 'utf8')) as {
    results: { status: string }[];
  };
  assert.deepEqual(
    results.map(({ status }) => status),
    ['succeeded', 'not_run'],
  );

  const manifest = await new BatchStore(store.location, store.batchId, 'w').readManifest();
  assert.equal(manifest.pause, null);
  assert.deepEqual(manifest.runs, [{ ...runs[0], ended_at: request.endedAt, outcome }]);

  // An attempt that was lost after its work was done: no second pair of files.
  const files = await readdir(store.location.outputDir);
  assert.deepEqual(await mockActivity(2).run(writeReport, request), outcome);
  assert.deepEqual(await readdir(store.location.outputDir), files);
});

test('a run that names no price table is reported with the bundled one, and warned of where that is old', async (t) => {
  const at = (days: number) => new Date(Date.parse(bundledTable.date) + days * 86_400_000).toISOString();
  const late = [{ ...runs[0]!, started_at: at(61) }];
  const store = await makeBatch(t, items, { runs: late });
  const { writer } = await store.openShard(0);
  const price = { inputPerMillion: 1, cachedPerMillion: 1, outputPerMillion: 1, source: 'table' } as const;
  await writer.append(answer('a', { price }), { durable: true });
  await writer.append(settled('e', { answers: ['a'] }), { durable: true });
  const ended = { ...request, endedAt: at(62) };
  const { resultsFile } = (await mockActivity().run(createWriteReport({ store }), ended)) as BatchOutcome;
  const { summary } = JSON.parse(await readFile(resultsFile, 'utf8')) as BatchResults;
  assert.deepEqual(
    [summary.prices.table_date, summary.prices.table_version],
    [bundledTable.date, bundledTable.source],
  );
  assert.match(summary.warnings.join('\n'), /The price table is of .*, 61 days before the run/);
});

test('a ledger that cannot be read is a failure of the storage, and the run stays open', async (t) => {
  const store = await makeBatch(t, items, { runs });
  const { writer } = await store.openShard(0);
  await writer.append(answer('a'), { durable: true });
  const foreign = join(store.folder, 'ledger', '00000', 'foreign.jsonl');
  await writeFile(foreign, 'hello\nhello\n');
  await assert.rejects(mockActivity().run(createWriteReport({ store }), request), (error) => {
    const told = toldTemporal(error);
    assert.deepEqual([told.type, told.nonRetryable], ['Storage.Failed', true]);
    return true;
  });
  assert.deepEqual((await store.readManifest()).runs, runs);
  await rm(foreign);
  const outcome = (await mockActivity(2).run(createWriteReport({ store }), request)) as BatchOutcome;
  assert.equal(outcome.counts.notRun, 2);
});

/** Remembers which shards were opened, and does something before one is. */
class WatchedStore extends BatchStore {
  readonly opened: number[] = [];
  before: (shard: number) => Promise<void> = async () => {};

  override async openShard(shard: number): Promise<Shard> {
    this.opened.push(shard);
    await this.before(shard);
    return super.openShard(shard);
  }
}

test('the ledger is read once, and what comes late is in the report, the manifest and the result alike, or in none', async (t) => {
  const made = await makeBatch(t, [...items, { prompt_id: 'last', prompt: 'x' }], { runs, shardSize: 1 });
  const { writer } = await made.openShard(0);
  await writer.append(answer('a'), { durable: true });
  await writer.append(settled('e', { answers: ['a'] }), { durable: true });
  const store = new WatchedStore(made.location, made.batchId, 'w');
  // Behind the reader's back, and ahead of it: answers of a worker that was cut off.
  store.before = async (shard) => {
    if (shard !== 1) return;
    await writer.append(answer('late', { attempt: 2 }), { durable: true });
    const { writer: ahead } = await made.openShard(2);
    await ahead.append(answer('ahead', { index: 2 }), { durable: true });
  };
  const outcome = (await mockActivity().run(createWriteReport({ store }), request)) as BatchOutcome;
  assert.deepEqual(store.opened, [0, 1, 2]);

  const { summary } = JSON.parse(await readFile(outcome.resultsFile, 'utf8')) as BatchResults;
  assert.equal(outcome.paid.costNanoUsd, 14);
  assert.deepEqual(
    {
      counts: [outcome.counts.total, outcome.counts.succeeded, outcome.counts.failed, outcome.counts.notRun],
      tokens: outcome.paid.usage.total,
      cost: nanoUsdToUsd(outcome.paid.costNanoUsd),
      bill: toReportBill(fromOutcomeBill(outcome.bill!)),
      failures: outcome.failures!.map((group) => toReportFailure(group, store.batchId)),
      times: [outcome.durationSeconds, outcome.pausedSeconds, outcome.idleSeconds],
    },
    {
      counts: [summary.total_items, summary.successful_items, summary.failed_items, summary.not_run_items],
      tokens: summary.total_tokens,
      cost: summary.estimated_cost,
      bill: summary.bill,
      failures: summary.failures,
      times: [summary.duration_seconds, summary.paused_seconds, summary.idle_seconds],
    },
  );
  assert.deepEqual((await store.readManifest()).runs[0]?.outcome, outcome);
});

test('of two attempts at once one report is left, and both tell of it', async (t) => {
  const store = await makeBatch(t, items, { runs });
  const stores = [1, 2].map((n) => new BatchStore(store.location, store.batchId, `w${n}`));
  const outcomes = await Promise.all(
    stores.map((own, n) => mockActivity(n + 1).run(createWriteReport({ store: own }), request)),
  );
  assert.deepEqual(outcomes[0], outcomes[1]);
  assert.deepEqual((await store.readManifest()).runs[0]?.outcome, outcomes[0]);
  const { resultsFile, csvFile } = outcomes[0] as BatchOutcome;
  assert.deepEqual(
    (await readdir(store.location.outputDir)).filter((name) => name.startsWith('batch_results')).sort(),
    [basename(csvFile), basename(resultsFile)].sort(),
  );
});

test('time in which the run was paused, or had no worker, is no time at work', async (t) => {
  const paused = [{ since: '2026-01-01T00:00:05.000Z', until: '2026-01-01T00:00:25.500Z' }];
  const idle = [{ since: '2026-01-01T00:00:25.000Z', until: '2026-01-01T00:00:27.000Z' }];
  const store = await makeBatch(t, items, { runs: [{ ...runs[0]!, pauses: paused, idle }] });
  const outcome = (await mockActivity().run(createWriteReport({ store }), request)) as BatchOutcome;
  assert.deepEqual([outcome.durationSeconds, outcome.pausedSeconds, outcome.idleSeconds], [8, 20.5, 1.5]);
});

test('nothing is reported as done that the ledger does not have as done, and the run stays open', async (t) => {
  const store = await makeBatch(t, items, { runs });
  for (const state of ['succeeded', 'partly_failed'] as const) {
    const reporting = mockActivity().run(createWriteReport({ store }), { ...request, state });
    await assert.rejects(reporting, (error) => {
      const { type, message } = toldTemporal(error);
      assert.match(message, /2 of its prompts have no end/);
      return type === 'Storage.Failed';
    });
  }
  assert.deepEqual((await store.readManifest()).runs, runs);
  const reports = (await readdir(store.location.outputDir)).filter((name) =>
    name.startsWith('batch_results'),
  );
  assert.deepEqual(reports, []);
});

test('a state and an end that cannot be are taken from the ledger and from the clock', async (t) => {
  const store = await makeBatch(t, [{ prompt_id: 'done', prompt: 'x', completions: 1 }], { runs });
  const { writer } = await store.openShard(0);
  await writer.append(answer('a'), { durable: true });
  await writer.append(settled('e', { answers: ['a'] }), { durable: true });
  const before = new Date().toISOString();
  const forged = { ...request, state: 'partly_failed' as const, endedAt: '2999-01-01T00:00:00.000Z' };
  const outcome = (await mockActivity().run(createWriteReport({ store }), forged)) as BatchOutcome;
  const { ended_at: endedAt = '' } = (await store.readManifest()).runs[0]!;
  assert.equal(outcome.state, 'succeeded');
  assert.ok(endedAt >= before && endedAt <= new Date().toISOString(), endedAt);
});
