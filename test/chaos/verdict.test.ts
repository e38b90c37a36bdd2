import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerRecord } from '../../src/store/ledger/records.ts';
import { type Evidence, judge, PRICE_NANO } from './verdict.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const at = (ms: number): string => new Date(START + ms).toISOString();
const bill = { promptTokens: 10, completionTokens: 5 };

type Entry = Evidence['log'][number];
const entry = (total: number, prompt: string, from: number, more: Partial<Entry> = {}): Entry => ({
  total,
  prompt,
  body: {},
  startedAt: START + from,
  endedAt: START + from + 100,
  outcome: 'answered',
  ...more,
});

const answer = (request: number, index: number, sample: number, ms: number): AnswerRecord => ({
  type: 'answer',
  id: `answer-${request}`,
  at: at(ms),
  index,
  run: 1,
  turn: 1,
  attempt: 1,
  start: `start-${request}`,
  choices: [{ sample, text: `text ${request}`, finishReason: 'stop' }],
  usage: null,
  costNanoUsd: null,
  cacheSavingNanoUsd: null,
  price: null,
  latencyMs: 100,
  model: 'm',
  requestId: `fake-${request}`,
});

const completion = (request: number, sample: number, prompt: string) => ({
  sample,
  text: `Answer ${request}.1 to: ${prompt}`,
  request_id: `fake-${request}`,
});

const result = (id: string, prompt: string, completions: unknown[]) => ({
  prompt_id: id,
  prompt,
  status: 'succeeded',
  completions,
  error: null,
});

/** Two prompts, two samples each; request 3 was answered into the hand of a worker that was killed, and request 6 is one too many. */
const good = (): Evidence => ({
  prompts: ['a', 'b'],
  completions: 2,
  maxWorkers: 2,
  workers: 1,
  killsPlanned: 1,
  kills: [{ at: START + 310, worker: true }],
  stops: [],
  log: [
    entry(1, 'a', 0),
    entry(2, 'b', 0),
    entry(3, 'a', 200),
    entry(4, 'a', 1000),
    entry(5, 'b', 1000),
    entry(6, 'b', 1200, { outcome: 'refused' }),
  ],
  bills: new Map([1, 2, 3, 4, 5].map((total) => [total, bill])),
  peakInFlight: 2,
  answers: [answer(1, 0, 1, 101), answer(2, 1, 1, 101), answer(4, 0, 2, 1101), answer(5, 1, 2, 1101)],
  report: {
    summary: {
      state: 'succeeded',
      prompt_tokens: 40,
      completion_tokens: 20,
      estimated_cost: (40 * PRICE_NANO.prompt + 20 * PRICE_NANO.completion) / 1e9,
    },
    results: [
      result('p1', 'a', [completion(1, 1, 'a'), completion(4, 2, 'a')]),
      result('p2', 'b', [completion(2, 1, 'b'), completion(5, 2, 'b')]),
    ],
  } as unknown as NonNullable<Evidence['report']>,
  exitCode: 0,
  gaveUp: [],
  leftOver: [],
});

const withLog = (evidence: Evidence, log: readonly Entry[]): Evidence => ({ ...evidence, log });

const failedChecks = (evidence: Evidence): string[] =>
  judge(evidence)
    .filter(({ ok }) => !ok)
    .map(({ what }) => what);

test('what is right passes', () => {
  assert.deepEqual(failedChecks(withLog(good(), good().log.slice(0, 5))), []);
});

const cases: { title: string; change: (evidence: Evidence) => Evidence; fails: RegExp }[] = [
  {
    title: 'a request for what is in the ledger',
    change: (e) => withLog(e, good().log),
    fails: /requested again/,
  },
  {
    title: 'an answer that no kill explains',
    change: (e) => ({ ...e, kills: [{ at: START + 5000, worker: true }] }),
    fails: /in hand at a kill/,
  },
  {
    title: 'an answer lost to the kill of the server alone',
    change: (e) => ({ ...e, kills: [{ at: START + 310, worker: false }] }),
    fails: /in hand at a kill/,
  },
  {
    title: 'more answers lost to one kill than a worker can have in hand',
    change: (e) => ({ ...e, maxWorkers: 1, log: e.log.slice(0, 3), answers: [answer(1, 0, 1, 101)] }),
    fails: /in hand at a kill/,
  },
  {
    title: 'an answer that the provider never gave',
    change: (e) => ({ ...e, answers: [...e.answers, answer(9, 0, 1, 50)] }),
    fails: /in hand at a kill/,
  },
  { title: 'too many requests at once', change: (e) => ({ ...e, peakInFlight: 3 }), fails: /max_workers/ },
  {
    title: 'a bill that is off by one token',
    change: (e) => ({ ...e, bills: new Map([...e.bills, [1, { ...bill, promptTokens: 11 }]]) }),
    fails: /bills/,
  },
  { title: 'no report', change: (e) => ({ ...e, report: null }), fails: /finished/ },
  { title: 'another exit code', change: (e) => ({ ...e, exitCode: 3 }), fails: /finished/ },
  {
    title: 'results in another order',
    change: (e) => ({ ...e, prompts: ['b', 'a'], answers: [] }),
    fails: /in input order/,
  },
  { title: 'a command that gave up', change: (e) => ({ ...e, gaveUp: ['exit 1'] }), fails: /gave up/ },
  { title: 'a process left over', change: (e) => ({ ...e, leftOver: ['1 temporal'] }), fails: /left over/ },
  { title: 'a kill that never fell', change: (e) => ({ ...e, killsPlanned: 2 }), fails: /planned kill/ },
];

for (const { title, change, fails } of cases) {
  test(`what is wrong fails: ${title}`, () => {
    const evidence = withLog(good(), good().log.slice(0, 5));
    assert.ok(
      failedChecks(change(evidence)).some((what) => fails.test(what)),
      failedChecks(change(evidence)).join('; '),
    );
  });
}

test('what is wrong fails: one answer given as two completions', () => {
  const evidence = withLog(good(), good().log.slice(0, 5));
  evidence.report!.results[0]!.completions[1]!.text = evidence.report!.results[0]!.completions[0]!.text;
  assert.deepEqual(failedChecks(evidence), ['each completion is an answer of its own to its prompt']);
});

test('a worker that thaws may ask once more, and another one may hold as many again', () => {
  const evidence = {
    ...good(),
    workers: 2,
    stops: [{ from: START + 500, to: START + 1100 }],
    peakInFlight: 4,
  };
  assert.deepEqual(failedChecks(evidence), []);
});
