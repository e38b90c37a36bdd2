import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { addPaid, NO_USAGE, NOTHING_PAID, promptStateOf } from '../../../src/store/ledger/prompt-state.ts';
import { answer, fault, historyOf, settled, start, usage } from '../support/records.ts';

const choice = (sample: number, finishReason = 'stop', text = 'text') => ({ sample, text, finishReason });
const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const msAt = (seconds: number): number => Date.parse(at(seconds));

/** One line for what matters of a prompt state. */
function inShort(records: LedgerRecord[], completions = 2) {
  const promptState = promptStateOf(historyOf(...records), completions);
  return {
    chosen: promptState.chosen.map(({ sample, answer: { id } }) => `${sample}:${id}`),
    missing: promptState.missing,
    spoiled: promptState.spoiled && `${promptState.spoiled.sample}:${promptState.spoiled.answer.id}`,
    settled: promptState.settled?.id ?? null,
  };
}

const cases: {
  title: string;
  records: LedgerRecord[];
  completions?: number;
  is: ReturnType<typeof inShort>;
}[] = [
  { title: 'nothing yet', records: [], is: { chosen: [], missing: [1, 2], spoiled: null, settled: null } },
  {
    title: 'one of two answers',
    records: [answer('a', { choices: [choice(2)] })],
    is: { chosen: ['2:a'], missing: [1], spoiled: null, settled: null },
  },
  {
    title: 'both samples in one answer',
    records: [answer('a', { choices: [choice(1), choice(2, 'length')] })],
    is: { chosen: ['1:a', '2:a'], missing: [], spoiled: null, settled: null },
  },
  {
    title:
      'an end names two answers: the whole sample that was bought later counts, not the one that was cut off',
    records: [
      answer('cut', { choices: [choice(1, 'length'), choice(2)] }),
      answer('whole', { turn: 2, choices: [choice(1)] }),
      settled('end', { turn: 2, answers: ['whole', 'cut'] }),
    ],
    is: { chosen: ['1:whole', '2:cut'], missing: [], spoiled: null, settled: 'end' },
  },
  {
    title: 'the same for the last sample, whichever answer is named first',
    records: [
      answer('cut', { choices: [choice(1), choice(2, 'length')] }),
      answer('whole', { turn: 2, choices: [choice(2)] }),
      settled('end', { turn: 2, answers: ['cut', 'whole'] }),
    ],
    is: { chosen: ['1:cut', '2:whole'], missing: [], spoiled: null, settled: 'end' },
  },
  {
    title: 'an end that took a sample as it was cut off keeps it',
    records: [
      answer('cut', { choices: [choice(1, 'length'), choice(2)] }),
      settled('end', { answers: ['cut'] }),
    ],
    is: { chosen: ['1:cut', '2:cut'], missing: [], spoiled: null, settled: 'end' },
  },
  {
    title: 'an answer to a sample nobody asks for any more',
    records: [answer('a', { choices: [choice(3)] })],
    is: { chosen: [], missing: [1, 2], spoiled: null, settled: null },
  },
  {
    title: 'two answers to one sample: before the end the lowest run, turn, attempt, time decides',
    records: [
      answer('late', { attempt: 1, at: at(9) }),
      answer('second attempt', { attempt: 2, at: at(0) }),
      answer('early', { attempt: 1, at: at(1) }),
    ],
    completions: 1,
    is: { chosen: ['1:early'], missing: [], spoiled: null, settled: null },
  },
  {
    title: 'the run goes before the turn, the turn before the attempt, the attempt before the clock',
    records: [
      answer('run 2', { run: 2, at: at(0) }),
      answer('turn 2', { turn: 2, at: at(1) }),
      answer('attempt 2', { attempt: 2, at: at(2) }),
      answer('first', { at: at(3) }),
    ],
    completions: 1,
    is: { chosen: ['1:first'], missing: [], spoiled: null, settled: null },
  },
  {
    title: 'the end decides which of two answers counts',
    records: [answer('first'), answer('named', { attempt: 2 }), settled('end', { answers: ['named'] })],
    completions: 1,
    is: { chosen: ['1:named'], missing: [], spoiled: null, settled: 'end' },
  },
  {
    title: 'of two ends the highest run, turn, attempt decides, whichever was read last',
    records: [
      answer('first'),
      answer('second', { attempt: 2 }),
      settled('turn 2', { turn: 2, attempt: 1, answers: ['second'] }),
      settled('attempt 9', { turn: 1, attempt: 9, answers: ['first'] }),
    ],
    completions: 1,
    is: { chosen: ['1:second'], missing: [], spoiled: null, settled: 'turn 2' },
  },
  {
    title: 'a failed end keeps the answers it names',
    records: [
      answer('good'),
      answer('bad', { choices: [choice(2, 'content_filter')] }),
      settled('end', { status: 'failed', answers: ['good'] }),
    ],
    is: { chosen: ['1:good'], missing: [2], spoiled: null, settled: 'end' },
  },
  {
    title: 'a spoiled sample beside a good one',
    records: [answer('a', { choices: [choice(1), choice(2, 'stop', ' \n\u3000')] })],
    is: { chosen: ['1:a'], missing: [2], spoiled: '2:a', settled: null },
  },
  {
    title: 'a spoiled sample that another answer made good',
    records: [answer('bad', { choices: [choice(1, 'stop', '')] }), answer('good', { attempt: 2 })],
    completions: 1,
    is: { chosen: ['1:good'], missing: [], spoiled: null, settled: null },
  },
  {
    title: 'two spoiled samples of which only the first was made good',
    records: [
      answer('bad', { choices: [choice(1, 'stop', ''), choice(2, 'stop', '')] }),
      answer('good', { attempt: 2, choices: [choice(1)] }),
    ],
    is: { chosen: ['1:good'], missing: [2], spoiled: '2:bad', settled: null },
  },
];
for (const { title, records, completions, is } of cases) {
  test(`prompt state: ${title}`, () => {
    assert.deepEqual(inShort(records, completions), is);
    assert.deepEqual(inShort(records.toReversed(), completions), is, 'the order of reading matters');
  });
}

for (const [finishReason, text, usable] of [
  ['stop', 'a', true],
  ['length', 'a', true],
  ['stop', '', false],
  ['stop', ' \t\r\n\u00a0', false],
  ['length', '', false],
  ['content_filter', 'a', false],
  ['tool_calls', 'a', false],
  ['unknown', 'a', false],
  ['', 'a', false],
] as const) {
  test(`an answer that ended with "${finishReason}" and says ${JSON.stringify(text)} is ${usable ? 'usable' : 'spoiled'}`, () => {
    const records = [answer('a', { choices: [choice(1, finishReason, text)] })];
    const { spoiled, missing } = inShort(records, 1);
    assert.deepEqual(
      { spoiled, missing },
      usable ? { spoiled: null, missing: [] } : { spoiled: '1:a', missing: [1] },
    );
  });
}

test('everything that came back is paid: discarded, spoiled and surplus answers too', () => {
  const records = [
    answer('chosen', { costNanoUsd: 1 }),
    answer('discarded', { attempt: 2, costNanoUsd: 10 }),
    answer('spoiled', { attempt: 3, costNanoUsd: 100, choices: [choice(1, 'content_filter')] }),
    settled('end', { answers: ['chosen'] }),
  ];
  const { paid } = promptStateOf(historyOf(...records), 1);
  assert.equal(paid.costNanoUsd, 111);
  assert.deepEqual(paid.usage, { prompt: 30, completion: 15, total: 45, cached: 6, reasoning: 3 });
});

test('the usage of an answer with several choices counts once', () => {
  const { paid } = promptStateOf(historyOf(answer('a', { choices: [choice(1), choice(2)] })), 2);
  assert.deepEqual(paid, { usage, costNanoUsd: 7 });
});

test('one unknown cost makes the sum unknown, the known usage stays', () => {
  const unknown = { usage: NO_USAGE, costNanoUsd: null };
  assert.deepEqual(addPaid(unknown, { usage, costNanoUsd: 5 }), { usage, costNanoUsd: null });
  assert.deepEqual(addPaid({ usage, costNanoUsd: 5 }, unknown), { usage, costNanoUsd: null });
  const records = [answer('a'), answer('b', { usage: null, costNanoUsd: null })];
  assert.deepEqual(promptStateOf(historyOf(...records), 1).paid, { usage, costNanoUsd: null });
  assert.deepEqual(promptStateOf(historyOf(), 1).paid, NOTHING_PAID);
});

const unavailable = (id: string, seconds: number, delaySeconds: number, more = {}) =>
  fault(id, {
    failure: 'Completion.Unavailable',
    at: at(seconds),
    retryDelayMs: delaySeconds * 1000,
    ...more,
  });
const HOUR = 3600;

const waits: {
  title: string;
  records: LedgerRecord[];
  now?: number;
  since: number | null;
  inARow: number;
}[] = [
  { title: 'none', records: [], since: null, inARow: 0 },
  { title: 'one', records: [unavailable('u', 0, 1)], now: 1, since: 0, inARow: 1 },
  {
    title: 'a row of them, from the first',
    records: [unavailable('u1', 0, 60), unavailable('u2', 61, 60), unavailable('u3', 122, 60)],
    now: 182,
    since: 0,
    inARow: 3,
  },
  {
    title: 'an answer ends the wait',
    records: [unavailable('u1', 0, 1), answer('a', { at: at(1) }), unavailable('u2', 2, 1)],
    now: 3,
    since: 2,
    inARow: 1,
  },
  {
    title: 'another fault ends the wait',
    records: [unavailable('u1', 0, 1), fault('f', { at: at(2) }), unavailable('u2', 4, 1)],
    now: 5,
    since: 4,
    inARow: 1,
  },
  {
    title: 'another turn does not count',
    records: [unavailable('u1', 0, 1, { turn: 0 }), unavailable('u2', 2, 1)],
    now: 3,
    since: 2,
    inARow: 1,
  },
  {
    title: 'a long Retry-After is the provider’s doing',
    records: [unavailable('u1', 0, HOUR), unavailable('u2', HOUR + 1, 1)],
    now: HOUR + 2,
    since: 0,
    inARow: 2,
  },
  {
    title: 'downtime of ours between two tries begins the wait anew',
    records: [unavailable('u1', 0, 1), unavailable('u2', HOUR, 1)],
    now: HOUR + 1,
    since: HOUR,
    inARow: 1,
  },
  {
    title: 'so does downtime since the last try',
    records: [unavailable('u1', 0, 1), unavailable('u2', 2, 1)],
    now: HOUR,
    since: null,
    inARow: 0,
  },
  {
    title: 'a request that took long to be refused is no downtime',
    records: [unavailable('u1', 0, 1), start('start of u2', { at: at(1) }), unavailable('u2', 600, 1)],
    now: 601,
    since: 0,
    inARow: 2,
  },
];
for (const { title, records, now = 0, since, inARow } of waits) {
  test(`waiting for an unavailable provider: ${title}`, () => {
    const promptState = promptStateOf(historyOf(...records), 1, { run: 1, turn: 1, at: msAt(now) });
    assert.equal(promptState.unavailableSince, since === null ? null : msAt(since));
    assert.equal(promptState.unavailableInARow, inARow);
  });
}

test('only faults of the prompt’s own count, and only those of the present turn', () => {
  const records = [
    fault('f1', { attempt: 1 }),
    unavailable('u', 0, 1, { attempt: 2 }),
    fault('f2', { attempt: 3 }),
    fault('f3', { turn: 2 }),
  ];
  const of = (run: number, turn: number) =>
    promptStateOf(historyOf(...records), 1, { run, turn, at: msAt(0) }).ownFaults;
  assert.deepEqual([of(1, 1), of(1, 2), of(1, 3), of(2, 1)], [2, 1, 0, 0]);
  assert.equal(
    promptStateOf(historyOf(...records), 1).ownFaults,
    1,
    'without a present turn: the newest one',
  );
});

const lost: { title: string; records: LedgerRecord[]; inARow: number; requests: number }[] = [
  { title: 'none', records: [], inARow: 0, requests: 0 },
  {
    title: 'an answered start is not',
    records: [start('s', {}), answer('a', { start: 's' })],
    inARow: 0,
    requests: 1,
  },
  {
    title: 'a faulted start is not',
    records: [start('s', {}), fault('f', { start: 's' })],
    inARow: 0,
    requests: 1,
  },
  {
    title: 'starts without an end, over runs',
    records: [start('s1'), start('s2', { attempt: 2 }), start('s3', { run: 2 })],
    inARow: 3,
    requests: 3,
  },
  {
    title: 'an end between begins the row anew',
    records: [
      start('s1'),
      start('s2', { attempt: 2 }),
      fault('f', { start: 's2', attempt: 2 }),
      start('s3', { attempt: 3 }),
    ],
    inARow: 1,
    requests: 3,
  },
];
for (const { title, records, inARow, requests } of lost) {
  test(`workers lost in a row: ${title}`, () => {
    for (const order of [records, records.toReversed()]) {
      const promptState = promptStateOf(historyOf(...order), 1);
      assert.deepEqual([promptState.lostInARow, promptState.requests], [inARow, requests]);
    }
  });
}

const anyAnswer = fc.record({
  run: fc.integer({ min: 1, max: 2 }),
  turn: fc.integer({ min: 1, max: 2 }),
  attempt: fc.integer({ min: 1, max: 2 }),
  costNanoUsd: fc.option(fc.nat()),
  choices: fc.uniqueArray(
    fc.record({
      sample: fc.integer({ min: 1, max: 4 }),
      finishReason: fc.constantFrom('stop', 'length', 'content_filter'),
      text: fc.constantFrom('', 'x'),
    }),
    { selector: ({ sample }) => sample, minLength: 1 },
  ),
});

test('samples are either chosen once or missing, spoiled ones are missing, and the bill is the sum', () => {
  fc.assert(
    fc.property(
      fc.array(anyAnswer, { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      (made, completions) => {
        const answers = made.map((one, i) => answer(`a${i}`, { ...one, at: at(i) }));
        const promptState = promptStateOf(historyOf(...answers), completions);
        const chosen = promptState.chosen.map(({ sample }) => sample);
        assert.deepEqual(
          [...chosen, ...promptState.missing].sort((a, b) => a - b),
          Array.from({ length: completions }, (_, i) => i + 1),
        );
        const given = (sample: number) =>
          answers.flatMap(({ choices }) => choices.filter((one) => one.sample === sample));
        for (const sample of promptState.missing) {
          assert.ok(
            given(sample).every(({ finishReason, text }) => finishReason === 'content_filter' || text === ''),
          );
        }
        const anySpoiled = promptState.missing.some((sample) => given(sample).length > 0);
        assert.equal(promptState.spoiled !== null, anySpoiled);
        const unknown = answers.some(({ costNanoUsd }) => costNanoUsd === null);
        const sum = answers.reduce((total, { costNanoUsd }) => total + (costNanoUsd ?? 0), 0);
        assert.equal(promptState.paid.costNanoUsd, unknown ? null : sum);
        assert.equal(promptState.paid.usage.total, 15 * answers.length);
      },
    ),
  );
});
