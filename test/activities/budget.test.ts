import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import type { Receipt, Unsettled } from '../../src/core/receipt.ts';
import type { StartRecord } from '../../src/store/ledger/records.ts';
import { type AttemptOptions, type PromptDesk, promptDesk, toldTemporal } from './support/prompt-desk.ts';
import { failing, good, ScriptedApi } from './support/scripted-api.ts';

/** As the desk's prices have it: an answer costs 7, a request at most 100. The prompt wants two completions. */
const WORST = 100;
const lostAnswer = failing('Completion.Fault', { possiblyPaid: true });

const complete = (desk: PromptDesk, options: AttemptOptions): Promise<Receipt | Unsettled> =>
  desk.complete(options);
const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => assert.fail('the activity did not fail'),
    (error: unknown) => error,
  );

test('an allowance for both completions buys both', async (t) => {
  const api = new ScriptedApi([good, good]);
  const desk = await promptDesk(t, api);
  const receipt = await complete(desk, { allowanceNanoUsd: 2 * WORST });
  assert.deepEqual([receipt.status, receipt.spentNanoUsd], ['succeeded', 14]);
  assert.deepEqual(api.asked(), [[1], [2]]);
});

test('an allowance one too small buys nothing, and says what it takes', async (t) => {
  const api = new ScriptedApi([]);
  const desk = await promptDesk(t, api);
  assert.deepEqual(await complete(desk, { allowanceNanoUsd: 2 * WORST - 1 }), {
    status: 'unsettled',
    spentNanoUsd: 0,
    worstCostNanoUsd: 2 * WORST,
  });
  assert.deepEqual(api.asked(), []);
  assert.deepEqual(await desk.onDisk(), []);
});

test('after a possibly paid request the rest of the allowance does not reach: nothing more is sent', async (t) => {
  const api = new ScriptedApi([lostAnswer]);
  const desk = await promptDesk(t, api);
  await failureOf(desk.complete({ allowanceNanoUsd: 2 * WORST }));
  assert.deepEqual(await complete(desk, { attempt: 2, allowanceNanoUsd: 2 * WORST }), {
    status: 'unsettled',
    spentNanoUsd: WORST,
    worstCostNanoUsd: 2 * WORST,
  });
  assert.deepEqual(api.asked(), [[1]]);
});

test('a new turn has its whole allowance: what earlier turns spent does not come off it', async (t) => {
  const api = new ScriptedApi([lostAnswer, good, good]);
  const desk = await promptDesk(t, api);
  await failureOf(desk.complete({ allowanceNanoUsd: 2 * WORST }));
  const receipt = await complete(desk, { turn: 2, allowanceNanoUsd: 2 * WORST });
  assert.deepEqual([receipt.status, receipt.spentNanoUsd], ['succeeded', WORST + 14]);
});

test('a request that cannot have been paid leaves the allowance as it was', async (t) => {
  const api = new ScriptedApi([failing('Completion.Fault', { status: 500 }), good, good]);
  const desk = await promptDesk(t, api);
  await failureOf(desk.complete({ allowanceNanoUsd: 2 * WORST }));
  const receipt = await complete(desk, { attempt: 2, allowanceNanoUsd: 2 * WORST });
  assert.deepEqual([receipt.status, receipt.spentNanoUsd], ['succeeded', 14]);
});

test('a request of a worker that died counts at its worst case', async (t) => {
  const desk = await promptDesk(t, new ScriptedApi([]));
  const { writer } = await desk.store.openShard(0);
  const moment = { index: 0, run: 1, turn: 1, attempt: 1, at: '2026-01-01T00:00:00.000Z' };
  const start = {
    type: 'start' as const,
    id: 's',
    samples: [1],
    worker: 'dead',
    worstCostNanoUsd: WORST,
    ...moment,
  } satisfies StartRecord;
  await writer.append(start, { durable: true });
  assert.deepEqual(await complete(desk, { attempt: 2, allowanceNanoUsd: 2 * WORST }), {
    status: 'unsettled',
    spentNanoUsd: WORST,
    worstCostNanoUsd: 2 * WORST,
  });
});

test('faults count on over turns that ended unsettled: a prompt does not outlive --max-attempts by new reservations', async (t) => {
  const api = new ScriptedApi([lostAnswer, lostAnswer]);
  const desk = await promptDesk(t, api);
  const limits = { maxAttempts: 2 };
  await failureOf(desk.complete({ limits, allowanceNanoUsd: 2 * WORST }));
  const unsettled = await complete(desk, { limits, attempt: 2, allowanceNanoUsd: 2 * WORST });
  assert.equal(unsettled.status, 'unsettled');
  const receipt = await complete(desk, { limits, turn: 2, since: 1, allowanceNanoUsd: 2 * WORST });
  assert.deepEqual([receipt.status, receipt.spentNanoUsd], ['failed', 2 * WORST]);
  assert.equal((receipt as Receipt).error?.type, 'Completion.Fault');
  api.asked();
});

test('a turn that follows a pause counts its faults anew', async (t) => {
  const api = new ScriptedApi([lostAnswer, lostAnswer, good, good]);
  const desk = await promptDesk(t, api);
  const limits = { maxAttempts: 2 };
  await failureOf(desk.complete({ limits }));
  await failureOf(desk.complete({ limits, turn: 2 }));
  assert.equal((await complete(desk, { limits, turn: 2, attempt: 2 })).status, 'succeeded');
});

test('a failure that ends the turn tells what was spent, one that is retried does not', async (t) => {
  const api = new ScriptedApi([good, lostAnswer, failing('Completion.AccountBlocked', { status: 402 })]);
  const desk = await promptDesk(t, api);
  const retried = await failureOf(desk.complete());
  assert.equal(toldTemporal(retried).nonRetryable, false);
  const final = await failureOf(desk.complete({ attempt: 2 }));
  assert.equal(toldTemporal(final).nonRetryable, true);
  assert.deepEqual((final as ApplicationFailure).details, [{ spentNanoUsd: 7 + WORST }]);
});
