import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CancelledFailure } from '@temporalio/common';
import type { RequestGate, RequestResult } from '../../src/activities/request-gate.ts';
import { reopenFailed } from '../../src/client/control/reopen-failed.ts';
import { ProviderFault } from '../../src/providers/provider-fault.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import type { AnswerRecord, FaultRecord, LedgerRecord, StartRecord } from '../../src/store/ledger/records.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type PromptDesk, promptDesk, soleWorker, toldTemporal } from './support/prompt-desk.ts';
import { ending, failing, good, hanging, held, responseOf, ScriptedApi } from './support/scripted-api.ts';

const typesOf = (records: readonly LedgerRecord[]): string[] => records.map(({ type }) => type);
const answersOf = (records: readonly LedgerRecord[]): AnswerRecord[] =>
  records.filter((record) => record.type === 'answer');
const faultsOf = (records: readonly LedgerRecord[]): FaultRecord[] =>
  records.filter((record) => record.type === 'fault');
const nothing = (): ScriptedApi => new ScriptedApi([]);
const failureOf = async (work: Promise<unknown>) =>
  work.then(
    () => assert.fail('the activity did not fail'),
    (error: unknown) => toldTemporal(error),
  );

test('buys each sample in turn, and the receipt names what the ledger holds', async (t) => {
  const api = new ScriptedApi([good, good]);
  const desk = await promptDesk(t, api);
  const receipt = await desk.complete();
  assert.deepEqual(api.asked(), [[1], [2]]);
  const records = await desk.onDisk();
  assert.deepEqual(typesOf(records), ['start', 'answer', 'start', 'answer', 'settled']);
  const answers = answersOf(records);
  assert.deepEqual(receipt, {
    status: 'succeeded',
    answers: answers.map(({ id }) => id),
    paid: { usage: { prompt: 20, completion: 10, total: 30, cached: 4, reasoning: 2 }, costNanoUsd: 14 },
    spentNanoUsd: 14,
    latencyMs: answers.reduce((sum, { latencyMs }) => sum + latencyMs, 0),
  });
  assert.deepEqual(
    answers.map(({ choices }) => choices),
    [
      [{ sample: 1, text: 'p1 1', finishReason: 'stop' }],
      [{ sample: 2, text: 'p1 2', finishReason: 'stop' }],
    ],
  );
  assert.equal(JSON.stringify(receipt).includes('p1 1'), false, 'a text crosses Temporal');
});

test('the request is made of the prompt, its own settings first', async (t) => {
  const api = new ScriptedApi([good]);
  const messages = [{ role: 'system' as const, content: 'be brief' }];
  const own = { model: 'other', temperature: 0, top_p: 0.1, max_tokens: 9, completions: 1 };
  const desk = await promptDesk(t, api, { prompt_id: 'p1', messages, ...own });
  await desk.complete();
  assert.deepEqual(api.requests, [
    {
      model: 'other',
      messages,
      temperature: 0,
      topP: 0.1,
      maxTokens: 9,
      n: 1,
      thinking: false,
      promptId: 'p1',
      samples: [1],
    },
  ]);
});

test('the start is on disk before the request, the answer before anything further', async (t) => {
  const seen: LedgerRecord[][] = [];
  const watched = async (...[request, options]: Parameters<typeof good>) => {
    seen.push(await desk.onDisk());
    return good(request, options);
  };
  const desk: PromptDesk = await promptDesk(t, new ScriptedApi([watched, watched]));
  await desk.complete();
  assert.deepEqual(seen.map(typesOf), [['start'], ['start', 'answer', 'start']]);
  const start = seen[0]![0] as StartRecord;
  assert.deepEqual([start.samples, start.worker, start.worstCostNanoUsd], [[1], 'worker', 100]);
  assert.equal(answersOf(seen[1]!)[0]!.start, start.id);
});

test('one request buys all samples where the provider honours n', async (t) => {
  const api = new ScriptedApi([good], { honoursN: true });
  const desk = await promptDesk(t, api);
  const receipt = await desk.complete();
  assert.deepEqual(api.asked(), [[1, 2]]);
  assert.deepEqual([receipt.answers.length, receipt.paid.costNanoUsd], [1, 7]);
});

test('a short answer is kept, and only the rest is asked for', async (t) => {
  const short = () => responseOf([{ text: 'one', finishReason: 'stop' }]);
  const api = new ScriptedApi([short, good], { honoursN: true });
  const desk = await promptDesk(t, api, { prompt_id: 'p1', prompt: 'x', completions: 3 });
  assert.equal((await desk.complete()).status, 'succeeded');
  assert.deepEqual(api.asked(), [
    [1, 2, 3],
    [2, 3],
  ]);
});

test('choices that nobody asked for are left out', async (t) => {
  const generous = () => responseOf([1, 2, 3].map((i) => ({ text: `${i}`, finishReason: 'stop' })));
  const desk = await promptDesk(t, new ScriptedApi([generous, good]));
  await desk.complete();
  const samples = answersOf(await desk.onDisk()).flatMap(({ choices }) =>
    choices.map(({ sample }) => sample),
  );
  assert.deepEqual(samples, [1, 2]);
});

test('a retried prompt with one of its two completions paid buys only the other', async (t) => {
  const before = new ScriptedApi([good, failing('Completion.Fault', { status: 500 })]);
  const desk = await promptDesk(t, before);
  assert.deepEqual(await failureOf(desk.complete()), {
    type: 'Completion.Fault',
    message: 'api.deepseek.com: Completion.Fault happened; asked again in 1 s',
    nonRetryable: false,
    nextRetryDelay: 1000,
  });
  const other = new ScriptedApi([good]);
  const receipt = await desk.restart(other).complete({ attempt: 2 });
  assert.deepEqual(other.asked(), [[2]]);
  assert.deepEqual([receipt.status, receipt.answers.length], ['succeeded', 2]);
});

test('a settled prompt is never bought again, whoever asks', async (t) => {
  const desk = await promptDesk(t, new ScriptedApi([good, good]));
  const receipt = await desk.complete();
  assert.deepEqual(await desk.complete({ attempt: 2 }), receipt);
  assert.deepEqual(await desk.restart(nothing()).complete({ run: 2 }), receipt);
});

test('what another process has had meanwhile is looked up, however young the last look is', async (t) => {
  const desk = await promptDesk(t, new ScriptedApi([failing('Completion.Fault', { status: 500 })]));
  await failureOf(desk.complete());
  const receipt = await desk.restart(new ScriptedApi([good, good])).complete({ attempt: 2 });
  assert.deepEqual(await desk.complete({ attempt: 3 }), receipt);

  const paused = await promptDesk(
    t,
    new ScriptedApi([failing('Completion.AccountBlocked', { status: 402 })]),
  );
  await failureOf(paused.complete());
  const bought = await paused.restart(new ScriptedApi([good, good])).complete({ turn: 2 });
  assert.deepEqual(await paused.complete({ turn: 3 }), bought);
});

test('what others bought while a request waited for its passage is not bought, though another prompt has looked', async (t) => {
  const passages: (() => void)[] = [];
  const gate: RequestGate = {
    enter: async () => {
      await new Promise<void>((pass) => passages.push(pass));
      return { leave: () => {} };
    },
  };
  const desk = await promptDesk(t, nothing(), undefined, gate);
  const waiting = desk.complete();
  while (passages.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const receipt = await desk.restart(new ScriptedApi([good, good])).complete({ attempt: 2 });
  const { reader } = await desk.store.openShard(0);
  await reader.refresh();
  passages[0]!();
  assert.deepEqual(await waiting, receipt);
});

test('a prompt that was reopened for a new run is asked, though its shard was looked at a moment before', async (t) => {
  const desk = await promptDesk(
    t,
    new ScriptedApi([failing('Completion.Rejected', { status: 400 }), good, good]),
  );
  assert.equal((await desk.complete()).status, 'failed');
  const elsewhere = new BatchStore(desk.store.location, desk.store.batchId, 'elsewhere');
  t.after(() => elsewhere.close());
  await reopenFailed(elsewhere, 2, new Date());
  assert.equal((await desk.complete({ run: 2 })).status, 'succeeded');
});

test('a start whose request cannot be judged at the last moment is recorded as not sent', async (t) => {
  let asked = 0;
  const liveness = {
    ...soleWorker,
    holds: () => {
      asked++;
      if (asked > 1) throw new Error('the batch folder cannot be read');
      return true;
    },
  };
  const desk = (await promptDesk(t, nothing())).restart(nothing(), { liveness });
  await failureOf(desk.complete());
  const records = await desk.onDisk();
  assert.deepEqual(typesOf(records), ['start', 'fault']);
  const [fault] = faultsOf(records);
  assert.deepEqual([fault!.failure, fault!.possiblyPaid], ['Completion.Aborted', false]);
});

test('two workers of one batch in one process share a prompt in hand', async (t) => {
  const request = held(good);
  const desk = await promptDesk(t, new ScriptedApi([request.reply, good]));
  const first = desk.complete();
  await request.asked;
  const second = desk.restart(nothing(), { worker: 'worker' }).complete({ attempt: 2 });
  request.release();
  assert.deepEqual(await second, await first);
});

test('answers of a worker that died before it settled are settled by the next', async (t) => {
  const desk = await promptDesk(t, nothing());
  const { writer } = await desk.store.openShard(0);
  const moment = { index: 0, run: 1, turn: 1, attempt: 1, at: '2026-01-01T00:00:00.000Z' };
  const choices = [1, 2].map((sample) => ({ sample, text: 'x', finishReason: 'stop' }));
  const answer: AnswerRecord = {
    type: 'answer',
    id: 'a',
    ...moment,
    start: 's',
    choices,
    usage: null,
    costNanoUsd: null,
    cacheSavingNanoUsd: null,
    price: null,
    latencyMs: 1,
    model: 'm',
    requestId: null,
  };
  await writer.append(answer, { durable: true });
  const receipt = await desk.restart(nothing()).complete({ attempt: 2 });
  assert.deepEqual([receipt.answers, receipt.paid.costNanoUsd], [['a'], null]);
});

// ---------------------------------------------------------------- spoiled answers

const spoiled = [
  {
    title: 'empty text',
    reply: ending('stop', ' \n'),
    type: 'Completion.Empty',
    message: /sample 1 came back without text$/,
  },
  {
    title: 'nothing left of max_tokens',
    reply: ending('length', ''),
    type: 'Completion.Empty',
    message: /max_tokens/,
  },
  {
    title: 'content_filter',
    reply: ending('content_filter'),
    type: 'Completion.Rejected',
    message: /"content_filter"/,
  },
  {
    title: 'an unknown finish reason',
    reply: ending('flux'),
    type: 'Completion.Rejected',
    message: /"flux"/,
  },
];
for (const { title, reply, type, message } of spoiled) {
  test(`a spoiled answer (${title}) fails the prompt, is paid, and is not bought again after a crash`, async (t) => {
    const api = new ScriptedApi([reply]);
    const desk = await promptDesk(t, api);
    const receipt = await desk.complete();
    assert.deepEqual(api.asked(), [[1]]);
    assert.equal(receipt.status, 'failed');
    assert.deepEqual([receipt.error?.type, receipt.error?.attempts, receipt.answers], [type, 1, []]);
    assert.match(receipt.error!.message, message);
    assert.equal(receipt.paid.costNanoUsd, 7);

    // The same, had the worker died between the answer and the end.
    const records = (await desk.onDisk()).filter((record) => record.type !== 'settled');
    const other = await promptDesk(t, nothing());
    const { writer } = await other.store.openShard(0);
    for (const record of records) await writer.append(record, { durable: true });
    assert.deepEqual(await other.complete({ attempt: 2 }), receipt);
  });
}

// ---------------------------------------------------------------- faults

test('a rejected prompt fails at once, and says how often it was asked', async (t) => {
  const api = new ScriptedApi([failing('Completion.Rejected', { status: 400 })]);
  const desk = await promptDesk(t, api);
  const receipt = await desk.complete();
  assert.deepEqual(receipt.error, {
    type: 'Completion.Rejected',
    message: 'Completion.Rejected happened',
    attempts: 1,
  });
  assert.deepEqual(api.asked(), [[1]]);
  assert.deepEqual(receipt.paid.costNanoUsd, 0);
});

test('a prompt fails when its own faults are used up; an unavailable provider uses up none', async (t) => {
  const fault = failing('Completion.Fault', { status: 500 });
  const busy = failing('Completion.Unavailable', { status: 429 });
  const api = new ScriptedApi([fault, busy, busy, fault, good, fault]);
  const desk = await promptDesk(t, api);
  const delays: unknown[] = [];
  let attempt = 1;
  for (; attempt <= 4; attempt++) {
    const told = await failureOf(desk.complete({ attempt, limits: { maxAttempts: 3 } }));
    assert.equal(told.nonRetryable, false);
    delays.push(told.nextRetryDelay);
  }
  assert.deepEqual(delays, [1000, 1000, 2000, 2000]);
  const receipt = await desk.complete({ attempt, limits: { maxAttempts: 3 } });
  assert.deepEqual(
    [receipt.status, receipt.error?.type, receipt.error?.attempts],
    ['failed', 'Completion.Fault', 6],
  );
  assert.equal(receipt.answers.length, 1, 'the sample that came back is kept');
  api.asked();
});

test('a prompt that others went ahead of waits no longer than the patience with them', async (t) => {
  const refused: RequestResult[] = [];
  const waiting: RequestGate = {
    enter: async () => ({
      leave: (result) => void refused.push(result),
      unavailableSince: Date.UTC(2026, 0, 1) - 59 * 60_000,
    }),
  };
  const busy = failing('Completion.Unavailable', { status: 503, retryAfterMs: 2 * 60_000 });
  const desk = await promptDesk(t, new ScriptedApi([busy]), { prompt_id: 'p1', prompt: 'x' }, waiting);
  const told = await failureOf(desk.complete());
  assert.deepEqual([told.type, told.nonRetryable], ['Completion.Unavailable', true]);
  assert.match(told.message, /waited 3540 s, the next try would be in 120 s/);
  assert.deepEqual(refused[0]?.refusal, {
    status: 503,
    message: 'Completion.Unavailable happened',
    pauses: true,
  });
});

test('a fault is on record with what it was and how long it made the prompt wait', async (t) => {
  const more = { status: 503, requestId: 'r9', retryAfterMs: 5000, message: 'HTTP 503: busy' };
  const desk = await promptDesk(t, new ScriptedApi([failing('Completion.Unavailable', more)]));
  const told = await failureOf(desk.complete());
  assert.deepEqual(
    [told.nextRetryDelay, told.message],
    [5000, '503 Service Unavailable from api.deepseek.com: busy (request r9); asked again in 5 s'],
  );
  const [start, fault] = (await desk.onDisk()) as [StartRecord, FaultRecord];
  const { id: _id, at: _at, ...rest } = fault;
  assert.deepEqual(rest, {
    type: 'fault',
    index: 0,
    run: 1,
    turn: 1,
    attempt: 1,
    start: start.id,
    failure: 'Completion.Unavailable',
    status: 503,
    message: 'HTTP 503: busy',
    requestId: 'r9',
    retryDelayMs: 5000,
    possiblyPaid: false,
  });
});

test('patience pauses the batch, the next turn is patient anew, and downtime of ours is no waiting', async (t) => {
  const busy = failing('Completion.Unavailable', { status: 503 });
  const api = new ScriptedApi([busy, busy, busy, busy]);
  const desk = await promptDesk(t, api);
  const patience = { limits: { patienceMs: 60_000 } };
  assert.equal((await failureOf(desk.complete(patience))).nonRetryable, false);
  desk.wait(59_500);
  const told = await failureOf(desk.complete({ ...patience, attempt: 2 }));
  assert.deepEqual(
    [told.type, told.nonRetryable, told.nextRetryDelay],
    ['Completion.Unavailable', true, undefined],
  );
  assert.match(told.message, /waited 60 s.*--patience is 60 s/);
  assert.equal((await failureOf(desk.complete({ ...patience, turn: 2 }))).nonRetryable, false);
  desk.wait(8 * 3_600_000);
  assert.equal((await failureOf(desk.complete({ ...patience, turn: 2, attempt: 2 }))).nonRetryable, false);
  assert.equal(
    (await desk.onDisk()).some(({ type }) => type === 'settled'),
    false,
  );
  api.asked();
});

test('a blocked account pauses and settles nothing', async (t) => {
  const desk = await promptDesk(t, new ScriptedApi([failing('Completion.AccountBlocked', { status: 402 })]));
  const told = await failureOf(desk.complete());
  assert.deepEqual([told.type, told.nonRetryable], ['Completion.AccountBlocked', true]);
  assert.deepEqual(typesOf(await desk.onDisk()), ['start', 'fault']);
});

test('a worker without a key hands the prompt back before anything is written', async (t) => {
  const desk = await promptDesk(t, () => {
    throw new ProviderFault({ failure: 'Completion.AccountBlocked', message: 'no key', possiblyPaid: false });
  });
  const told = await failureOf(desk.complete());
  assert.deepEqual(
    [told.type, told.message, told.nonRetryable],
    ['Completion.AccountBlocked', 'no key', true],
  );
  assert.deepEqual(await desk.onDisk(), []);
});

test('what nobody foresaw pauses, rather than being retried for ever', async (t) => {
  const desk = await promptDesk(t, () => {
    throw new TypeError('a bug');
  });
  const told = await failureOf(desk.complete());
  assert.deepEqual([told.type, told.message, told.nonRetryable], ['Batch.Unexpected', 'a bug', true]);
});

test('a prompt under which five workers died in a row fails, and is not asked for a sixth time', async (t) => {
  const desk = await promptDesk(t, nothing());
  const { writer } = await desk.store.openShard(0);
  const moment = { index: 0, run: 1, turn: 1, at: '2026-01-01T00:00:00.000Z' };
  for (let attempt = 1; attempt <= 5; attempt++) {
    await writer.append(
      {
        type: 'start',
        id: `s${attempt}`,
        ...moment,
        attempt,
        samples: [1],
        worker: 'w',
        worstCostNanoUsd: 1,
      },
      { durable: true },
    );
  }
  const { error } = await desk.complete({ attempt: 6 });
  assert.deepEqual([error?.type, error?.attempts], ['Completion.WorkerLost', 5]);
});

// ---------------------------------------------------------------- cancel, given away, stopping

for (const reason of ['CANCELLED', 'WORKER_SHUTDOWN'] as const) {
  test(`${reason} aborts the request and puts it on record as possibly paid`, async (t) => {
    const request = held(hanging);
    request.release();
    const desk = await promptDesk(t, new ScriptedApi([request.reply]));
    const { activity, receipt } = desk.begin();
    await request.asked;
    activity.cancel(reason);
    await assert.rejects(receipt, (error: Error) => error instanceof CancelledFailure);
    const records = await desk.onDisk();
    assert.deepEqual(typesOf(records), ['start', 'fault']);
    assert.deepEqual(
      faultsOf(records).map(({ possiblyPaid, status }) => [possiblyPaid, status]),
      [[true, null]],
    );
  });
}

test('an attempt cancelled before it asks for anything sends nothing', async (t) => {
  const desk = await promptDesk(t, nothing());
  const { activity, receipt } = desk.begin();
  activity.cancel('CANCELLED');
  await assert.rejects(receipt, (error: Error) => error instanceof CancelledFailure);
  assert.deepEqual(await desk.onDisk(), []);
});

test('an answer that came in spite of the cancel is kept', async (t) => {
  const request = held(good);
  const desk = await promptDesk(t, new ScriptedApi([request.reply]));
  const { activity, receipt } = desk.begin();
  await request.asked;
  activity.cancel('CANCELLED');
  request.release();
  await assert.rejects(receipt, (error: Error) => error instanceof CancelledFailure);
  assert.deepEqual(typesOf(await desk.onDisk()), ['start', 'answer']);
});

test('an attempt that was given away lets its request go on, and the next attempt joins it', async (t) => {
  const request = held(good);
  const api = new ScriptedApi([request.reply, good]);
  const desk = await promptDesk(t, api);
  const first = desk.begin();
  await request.asked;
  first.activity.cancel('NOT_FOUND');
  await assert.rejects(first.receipt, (error: Error) => error instanceof CancelledFailure);
  const second = desk.begin({ attempt: 2 });
  request.release();
  assert.equal((await second.receipt).status, 'succeeded');
  assert.deepEqual(api.asked(), [[1], [2]]);
});

test('the fault of a joined request is the next attempt’s own', async (t) => {
  const request = held(failing('Completion.Unavailable', { status: 429, retryAfterMs: 3000 }));
  const desk = await promptDesk(t, new ScriptedApi([request.reply]));
  const first = desk.begin();
  await request.asked;
  first.activity.cancel('TIMED_OUT');
  await assert.rejects(first.receipt, (error: Error) => error instanceof CancelledFailure);
  const second = desk.begin({ attempt: 2 });
  request.release();
  assert.equal((await failureOf(second.receipt)).nextRetryDelay, 3000);
});

test('attempts that overlap without knowing of each other buy everything once', async (t) => {
  const request = held(good);
  const api = new ScriptedApi([request.reply, good]);
  const desk = await promptDesk(t, api);
  const first = desk.begin();
  const second = desk.begin({ attempt: 2 });
  await request.asked;
  const third = desk.begin({ attempt: 3 });
  request.release();
  const receipts = await Promise.all([first.receipt, second.receipt, third.receipt]);
  assert.deepEqual(receipts[1], receipts[0]);
  assert.deepEqual(receipts[2], receipts[0]);
  assert.deepEqual(api.asked(), [[1], [2]]);
});

test('a stopping worker ends after the sample in hand, and the next one buys the rest', async (t) => {
  const request = held(good);
  const api = new ScriptedApi([request.reply]);
  const desk = await promptDesk(t, api);
  const { receipt } = desk.begin();
  await request.asked;
  desk.stopping.abort();
  request.release();
  const told = await failureOf(receipt);
  assert.deepEqual([told.type, told.nonRetryable, told.nextRetryDelay], ['Worker.Stopping', false, 500]);
  assert.deepEqual(api.asked(), [[1]]);
  const other = new ScriptedApi([good]);
  assert.equal((await desk.restart(other).complete({ attempt: 2 })).status, 'succeeded');
  assert.deepEqual(other.asked(), [[2]]);
});

test('a stopping worker still settles what is complete', async (t) => {
  const request = held(good);
  const api = new ScriptedApi([request.reply], { honoursN: true });
  const desk = await promptDesk(t, api);
  const { receipt } = desk.begin();
  await request.asked;
  desk.stopping.abort();
  request.release();
  assert.equal((await receipt).status, 'succeeded');
});

// ---------------------------------------------------------------- storage

/** From now on every write to an open file fails; the answer puts it right. */
async function fullDisk(t: TestContext): Promise<() => void> {
  const handle = await open(join(await temporaryFolder(t), 'any'), 'w');
  const prototype = Object.getPrototypeOf(handle) as { write: () => unknown };
  await handle.close();
  const mocked = t.mock.method(prototype, 'write', () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
  });
  return () => mocked.mock.restore();
}

test('an answer that cannot be written pauses, is kept, and is written without being bought again', async (t) => {
  let makeRoom = (): void => undefined;
  const api = new ScriptedApi(
    [
      async (request, options) => {
        makeRoom = await fullDisk(t);
        return good(request, options);
      },
    ],
    { honoursN: true },
  );
  const desk = await promptDesk(t, api);
  const told = await failureOf(desk.complete());
  assert.deepEqual([told.type, told.nonRetryable], ['Storage.Failed', true]);
  assert.match(told.message, /cannot write the ledger in .*: ENOSPC/);
  assert.equal(desk.store.unsaved, 1);
  assert.deepEqual(typesOf(await desk.onDisk()), ['start']);

  assert.equal((await failureOf(desk.complete({ turn: 2 }))).type, 'Storage.Failed');
  assert.equal(desk.store.unsaved, 1);

  makeRoom();
  const receipt = await desk.complete({ turn: 3 });
  assert.equal(receipt.status, 'succeeded');
  assert.equal(desk.store.unsaved, 0);
  assert.deepEqual(api.asked(), [[1, 2]]);
  assert.deepEqual(
    answersOf(await desk.onDisk()).map(({ id }) => id),
    receipt.answers,
  );
});

test('without room for a start nothing is asked for', async (t) => {
  const makeRoom = await fullDisk(t);
  const desk = await promptDesk(t, nothing());
  assert.equal((await failureOf(desk.complete())).type, 'Storage.Failed');
  makeRoom();
  assert.deepEqual(await desk.onDisk(), []);
});
