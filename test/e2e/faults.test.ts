import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { FailureType } from '../../src/core/receipt.ts';
import type { BatchResult } from '../../src/report/results-json.ts';
import type { FaultRecord, LedgerRecord } from '../../src/store/ledger/records.ts';
import { type FakeReply, reply, startFakeProvider, startProviderApart } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { until } from '../support/until.ts';
import {
  batchIdIn,
  createWorkplace,
  promptTexts,
  readLedger,
  readResults,
  type Workplace,
} from './workplace.ts';

const server = useTestServer();

interface FaultCase {
  /** The prompt's text: must be unique. */
  title: string;
  /** What its first requests get; the last one is repeated if there is nothing after it. `null`: an ordinary answer. */
  replies: (FakeReply | (() => FakeReply) | null)[];
  requests: number;
  error?: { type: FailureType; message: RegExp; requestId?: string; status?: number | null };
  truncated?: boolean;
  /** How long its first fault made it wait, from and to. */
  delayMs?: [from: number, to: number];
  /** When it may be asked again at the earliest, in ms since 1970. */
  notBefore?: () => number;
}

/** Answers each prompt by its own case. */
const scriptOf =
  (cases: readonly FaultCase[]) =>
  ({ prompt, promptCount }: { prompt: string; promptCount: number }): FakeReply | undefined => {
    const { replies } = cases.find(({ title }) => title === prompt)!;
    const chosen = replies[Math.min(promptCount, replies.length) - 1] ?? undefined;
    return typeof chosen === 'function' ? chosen() : chosen;
  };

interface Seen {
  place: Workplace;
  code: number | null;
  results: Map<string, BatchResult>;
  firstFault: Map<string, FaultRecord>;
}

/** One batch of all cases, everything at once. */
async function runCases(t: TestContext, cases: readonly FaultCase[], flags: string[]): Promise<Seen> {
  const place = await createWorkplace(t, server, { script: scriptOf(cases) });
  const titles = cases.map(({ title }) => title);
  assert.equal(new Set(titles).size, cases.length, 'titles are unique');
  const file = await place.write('prompts.json', titles);
  const { code } = await place.run(file, ['--max-workers', '100', ...flags]);
  const { results } = await readResults(place.outputDir);
  const records = await readLedger(join(place.outputDir, await batchIdIn(place.outputDir)));
  const faults = records.filter((record): record is FaultRecord => record.type === 'fault');
  const firstFault = new Map<string, FaultRecord>();
  for (const fault of faults)
    if (!firstFault.has(titles[fault.index]!)) firstFault.set(titles[fault.index]!, fault);
  return { place, code, results: new Map(results.map((result) => [result.prompt, result])), firstFault };
}

function assertAsExpected(
  { place: { provider }, results, firstFault }: Seen,
  { title, requests, error, truncated = false, delayMs, notBefore }: FaultCase,
): void {
  const result = results.get(title)!;
  assert.equal(result.status, error ? 'failed' : 'succeeded', result.error?.message);
  assert.equal(provider.requestsPerPrompt.get(title), requests, 'requests at the provider');
  if (error) {
    assert.equal(result.error?.type, error.type);
    assert.match(result.error?.message ?? '', error.message);
    assert.equal(result.error?.attempts, requests);
    assert.equal(result.error?.attempt_log.length, requests, 'every attempt is told');
    if (error.requestId !== undefined) assert.equal(result.error?.request_id, error.requestId);
    if (error.status !== undefined) assert.equal(result.error?.status, error.status);
  } else {
    assert.equal(result.error, null);
    assert.deepEqual(
      result.completions.map((completion) => completion.truncated),
      [truncated],
    );
  }
  if (delayMs) {
    const delay = firstFault.get(title)?.retryDelayMs;
    assert.ok(
      typeof delay === 'number' && delay >= delayMs[0] && delay <= delayMs[1],
      `it waited ${delay} ms`,
    );
  }
  if (notBefore) {
    const { at, retryDelayMs } = firstFault.get(title)!;
    const earlyMs = notBefore() - (Date.parse(at) + retryDelayMs!);
    assert.ok(earlyMs <= 0, `it was asked again ${earlyMs} ms too early`);
  }
}

const limited = (headers: Record<string, string>): FakeReply => reply.status(429, { headers });
const named = (status: number, requestId: string, message = `fake ${status}`): FakeReply =>
  reply.status(status, { message, headers: { 'x-request-id': requestId } });
const soon = { 'retry-after-ms': '20' };
/** What is silent for so long is given up: no machine keeps an answer back for that. */
const IDLE_MS = 8000;
/** 1 s, shortened by up to a half at random. */
const backoff: [number, number] = [500, 1000];
const times = (count: number, one: FakeReply): FakeReply[] => Array.from({ length: count }, () => one);

describe('what a provider may do to a prompt, in one batch: it is dealt with, and nobody else is hurt', () => {
  let date = 0;
  const cases: FaultCase[] = [
    ...[1, 2, 3].map((n) => ({ title: `an ordinary answer ${n}`, replies: [null], requests: 1 })),
    {
      title: '429, Retry-After in seconds',
      replies: [limited({ 'retry-after': '1' }), null],
      requests: 2,
      delayMs: [1000, 1000],
    },
    {
      title: '429, Retry-After as a date',
      replies: [
        () => {
          date = Math.floor(Date.now() / 1000 + 3) * 1000;
          return limited({ 'retry-after': new Date(date).toUTCString() });
        },
        null,
      ],
      requests: 2,
      // What of it was over when the reply was read is not waited for.
      delayMs: [1, 3000],
      notBefore: () => date,
    },
    {
      title: '429, retry-after-ms',
      replies: [limited({ 'retry-after-ms': '150' }), null],
      requests: 2,
      delayMs: [150, 150],
    },
    {
      title: '429, retry-after-ms goes before Retry-After',
      replies: [limited({ 'retry-after-ms': '150', 'retry-after': '3600' }), null],
      requests: 2,
      delayMs: [150, 150],
    },
    { title: '429 without Retry-After', replies: [limited({}), null], requests: 2, delayMs: backoff },
    {
      title: '429, Retry-After negative',
      replies: [limited({ 'retry-after': '-5' }), null],
      requests: 2,
      delayMs: backoff,
    },
    {
      title: '429, Retry-After a text',
      replies: [limited({ 'retry-after': 'later' }), null],
      requests: 2,
      delayMs: backoff,
    },
    {
      title: '429, Retry-After a date that is over',
      replies: [limited({ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }), null],
      requests: 2,
      delayMs: backoff,
    },
    { title: '429 twelve times', replies: [...times(12, limited(soon)), null], requests: 13 },
    ...[502, 503, 504].map((status) => ({
      title: `${status} four times`,
      replies: [...times(4, reply.status(status, { headers: soon })), null],
      requests: 5,
    })),
    {
      title: '503 twelve times',
      replies: [...times(12, reply.status(503, { headers: soon })), null],
      requests: 13,
    },
    { title: '500 once', replies: [named(500, 'r'), null], requests: 2, delayMs: backoff },
    {
      title: '500 for good',
      replies: [named(500, 'r-500', 'the engine is down')],
      requests: 2,
      error: {
        type: 'Completion.Fault',
        message: /^HTTP 500: the engine is down$/,
        requestId: 'r-500',
        status: 500,
      },
    },
    { title: '408 and then an answer', replies: [reply.status(408), null], requests: 2 },
    { title: 'reset in mid-body once', replies: [reply.cut('mid-body'), null], requests: 2 },
    {
      title: 'reset in mid-body for good',
      replies: [reply.cut('mid-body')],
      requests: 2,
      error: { type: 'Completion.Fault', message: /connection broke/, status: null },
    },
    { title: 'an orderly end in mid-body once', replies: [reply.cut('mid-body', 'end'), null], requests: 2 },
    { title: 'reset before the headers once', replies: [reply.cut('before headers'), null], requests: 2 },
    { title: 'no answer once', replies: [reply.silence(), null], requests: 2 },
    {
      title: 'no answer for good',
      replies: [reply.silence({ headersFirst: true })],
      requests: 2,
      error: { type: 'Completion.Fault', message: /byte/ },
    },
    {
      title: 'blank lines for longer than the idle timeout, then an answer',
      replies: [reply.blankLines(IDLE_MS + 2000)],
      requests: 1,
    },
    { title: '200 with broken JSON once', replies: [reply.brokenJson(), null], requests: 2 },
    {
      title: '200 with broken JSON for good',
      replies: [reply.brokenJson()],
      requests: 2,
      error: { type: 'Completion.Fault', message: /JSON/, status: 200 },
    },
    { title: '200 without choices once', replies: [reply.noChoices(), null], requests: 2 },
    {
      title: '200 without choices for good',
      replies: [reply.noChoices()],
      requests: 2,
      error: { type: 'Completion.Fault', message: /choice/, status: 200 },
    },
    { title: '200 with an empty body once', replies: [reply.emptyBody(), null], requests: 2 },
    {
      title: '200 with an empty text',
      replies: [reply.emptyText()],
      requests: 1,
      error: { type: 'Completion.Empty', message: /without text/ },
    },
    {
      title: '200 cut off at the limit',
      replies: [reply.ok({ text: 'half', finishReason: 'length' })],
      requests: 1,
      truncated: true,
    },
    {
      title: '200 filtered',
      replies: [reply.ok({ text: 'half', finishReason: 'content_filter' })],
      requests: 1,
      error: { type: 'Completion.Rejected', message: /content_filter/ },
    },
    {
      title: '200 with an unknown end',
      replies: [reply.ok({ text: 'half', finishReason: 'who_knows' })],
      requests: 1,
      error: { type: 'Completion.Rejected', message: /who_knows/ },
    },
    ...[400, 413, 422].map((status) => ({
      title: `${status} for one prompt`,
      replies: [named(status, `r-${status}`, `no ${status}`)],
      requests: 1,
      error: {
        type: 'Completion.Rejected' as const,
        message: new RegExp(`^HTTP ${status}: no ${status}$`),
        requestId: `r-${status}`,
        status,
      },
    })),
  ];

  let seen: Seen;
  test('the batch ends with 3: some failed', async (t) => {
    seen = await runCases(t, cases, ['--max-attempts', '2', '--idle-timeout', `${IDLE_MS}ms`]);
    assert.equal(seen.code, 3);
    assert.equal(seen.results.size, cases.length);
  });
  for (const one of cases) test(one.title, () => assertAsExpected(seen, one));
});

describe('--reject-truncated and --retry-empty', () => {
  const cut = reply.ok({ text: 'half', finishReason: 'length' });
  const refusal = reply.raw(
    JSON.stringify({
      choices: [
        { index: 0, message: { content: null, refusal: 'I cannot help with that.' }, finish_reason: 'stop' },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 6, total_tokens: 9 },
    }),
  );
  const cases: FaultCase[] = [
    { title: 'an ordinary answer', replies: [null], requests: 1 },
    {
      title: 'cut off',
      replies: [cut],
      requests: 1,
      error: { type: 'Completion.Truncated', message: /cut off at max_tokens/ },
    },
    { title: 'empty once', replies: [reply.emptyText(), null], requests: 2 },
    { title: 'blank once', replies: [reply.ok({ text: ' \n' }), null], requests: 2 },
    {
      title: 'empty as often as allowed',
      replies: [reply.emptyText()],
      requests: 3,
      error: { type: 'Completion.Empty', message: /3 answers in a row came back without text/ },
    },
    {
      title: 'empty, and faults: they count together',
      replies: [reply.emptyText(), reply.status(500), reply.emptyText()],
      requests: 3,
      error: { type: 'Completion.Fault', message: /HTTP 500/ },
    },
    {
      title: 'refused by the model, which says so beside the content',
      replies: [refusal],
      requests: 1,
      error: { type: 'Completion.Rejected', message: /"refusal"/ },
    },
    {
      title: 'empty because all went into reasoning',
      replies: [reply.ok({ text: '', reasoning: 'hm', finishReason: 'length' }), null],
      requests: 2,
    },
  ];
  let seen: Seen;
  test('the batch ends with 3: some failed', async (t) => {
    seen = await runCases(t, cases, ['--max-attempts', '3', '--reject-truncated', '--retry-empty']);
    assert.equal(seen.code, 3);
  });
  for (const one of cases) test(one.title, () => assertAsExpected(seen, one));
  test('every answer that is not used is on the bill', () => {
    const discarded = [...seen.results.values()].flatMap((result) => result.discarded_answers ?? []);
    assert.equal(discarded.length, 1 + 1 + 1 + 3 + 2 + 1 + 1);
  });
  test('and each is told of, with what it said and why it is not used', () => {
    const answers = [...seen.results.values()].flatMap((result) => result.discarded_answers ?? []);
    const told = answers.flatMap(({ choices }) =>
      choices.map(({ text, reasoning = '', why }) => JSON.stringify([text, reasoning, why])),
    );
    const cutOff = 'it was cut off at its token limit';
    for (const expected of [
      ['half', '', cutOff],
      ['I cannot help with that.', '', 'it ended with "refusal"'],
      ['', '', 'it has no text'],
      [' \n', '', 'it has no text; another answer is used'],
      ['', 'hm', `${cutOff}; another answer is used`],
    ])
      assert.ok(told.includes(JSON.stringify(expected)), `${expected.join(' | ')} in ${told.join('\n')}`);
  });
});

test('a Retry-After longer than the patience pauses at once, fails nobody, and "resume" goes on', async (t) => {
  const place = await createWorkplace(t, server, { script: () => limited({ 'retry-after': '7200' }) });
  const file = await place.write('prompts.json', promptTexts(5));
  const { code, lines } = await place.run(file, ['--id', 'hours', '--patience', '1h', '--json']);
  const summary = lines.at(-1)!;
  assert.deepEqual([code, summary['pause']?.reason, summary['failed_items']], [5, 'provider', 0]);
  assert.match(summary['pause'].message, /the next try would be in 7200 s, and --patience is 3600 s/);
  assert.ok(place.provider.requests <= 3, 'nobody tried again');
  place.provider.script = undefined;
  assert.equal((await place.cli(['resume', 'hours'])).code, 0);
  assert.equal(place.provider.answered.requests, 5);
});

test('waits that add up to more than the patience pause, too', async (t) => {
  const place = await createWorkplace(t, server, { script: () => limited({ 'retry-after-ms': '700' }) });
  const file = await place.write('prompts.json', promptTexts(2));
  const { code, lines } = await place.run(file, ['--patience', '2s', '--json']);
  const summary = lines.at(-1)!;
  assert.deepEqual([code, summary['pause']?.reason, summary['failed_items']], [5, 'provider', 0]);
  // It is one prompt that tries for both, and not always the same.
  const most = Math.max(...promptTexts(2).map((text) => place.provider.requestsPerPrompt.get(text) ?? 0));
  assert.ok(most >= 2, 'the first wait alone paused it');
});

for (const status of [404, 400]) {
  test(`an unknown model (${status}) is the account's trouble: no prompt fails`, async (t) => {
    const unknown = reply.status(status, { message: 'no model of that name', code: 'model_not_found' });
    const place = await createWorkplace(t, server, { script: () => unknown });
    const { code, lines } = await place.run(await place.write('prompts.json', promptTexts(4)), ['--json']);
    const summary = lines.at(-1)!;
    assert.deepEqual([code, summary['pause']?.reason, summary['failed_items']], [5, 'account', 0]);
    assert.match(summary['pause'].message, /no model of that name/);
  });
}

test('a provider that refuses connections is waited for, and fails nobody', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(6));
  const gone = await startProviderApart();
  await gone.close();
  const flags = ['--id', 'refused', '--base-url', gone.baseUrl, '--max-attempts', '1', '--json'];
  const run = place.startRun(file, flags);
  const over = new AbortController();
  void run.ended.catch(() => undefined).finally(() => over.abort());
  const refusals = async (): Promise<FaultRecord[]> => {
    const records = await readLedger(join(place.outputDir, 'refused')).catch((): LedgerRecord[] => []);
    return records.filter((record): record is FaultRecord => record.type === 'fault');
  };
  await until(async () => over.signal.aborted || (await refusals()).length >= 4);
  const back = await startFakeProvider({ port: gone.port });
  t.after(() => back.close());
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 0, stdout + stderr);
  assert.equal(back.answered.requests, 6);
  for (const { failure, message, possiblyPaid } of await refusals()) {
    assert.equal(failure, 'Completion.Unavailable');
    assert.match(message, /cannot be reached.*ECONNREFUSED/);
    assert.equal(possiblyPaid, false);
  }
});
