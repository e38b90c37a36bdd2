import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PaceMark, Spans } from '../../../src/core/batch-input.ts';
import { etaSecondsOf } from '../../../src/workflows/display/eta.ts';
import { marked } from '../../../src/workflows/pace.ts';
import { withSpan } from '../../../src/workflows/spans.ts';

interface Course {
  prompts: number;
  /** Prompts at once, at a time in ms. */
  slots: (at: number) => number;
  completions?: (index: number) => number;
  /** Of one completion, in ms. */
  latency: (index: number, random: () => number) => number;
}

/** Works through prompts with a clock of its own. Answers what was estimated at each prompt's end, and what came true. */
function play({ prompts, slots, completions = () => 1, latency }: Course) {
  const random = seededRandom();
  const estimates: { done: number; eta: number | null; at: number }[] = [];
  const running: { start: number; end: number; index: number }[] = [];
  let pace: readonly PaceMark[] = [];
  let spans: Spans | null = null;
  let [at, next, done] = [0, 0, 0];
  while (done < prompts) {
    for (; next < prompts && running.length < slots(at); next++) {
      let ms = 0;
      for (let sample = 0; sample < completions(next); sample++) ms += latency(next, random);
      running.push({ start: at, end: at + ms, index: next });
    }
    running.sort((a, b) => a.end - b.end);
    const { start, end, index } = running.shift()!;
    at = end;
    done++;
    spans = withSpan(spans, end - start, completions(index));
    pace = marked(pace, at, done);
    // Its slot is taken by the next one before anybody asks.
    const pending = Math.max(0, prompts - next - Math.max(0, slots(at) - running.length));
    let pendingCompletions = 0;
    for (let waits = prompts - pending; waits < prompts; waits++) pendingCompletions += completions(waits);
    const eta = etaSecondsOf({
      ...{ pending, pendingCompletions, running: prompts - done - pending, slots: slots(at), pace, spans },
    });
    estimates.push({ done, eta, at });
  }
  return estimates.map(({ done: count, eta, at: moment }) => ({
    share: count / prompts,
    eta,
    left: (at - moment) / 1000,
  }));
}

function seededRandom(): () => number {
  let state = 7;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

const exponential = (mean: number, random: () => number): number => -mean * Math.log(1 - random() * 0.9999);

/** How far off, in percent of what was left. */
const courses: [title: string, course: Course, offPercent: number][] = [
  ['even answers', { prompts: 600, slots: () => 20, latency: () => 1000 }, 10],
  [
    'answers of any length',
    { prompts: 600, slots: () => 20, latency: (_, random) => exponential(1000, random) },
    35,
  ],
  [
    'one straggler in a hundred',
    {
      prompts: 4000,
      slots: () => 50,
      latency: (_, random) => (random() < 0.01 ? 10_000 : 300 + 400 * random()),
    },
    40,
  ],
  [
    'first prompts of one completion, then prompts of four',
    { prompts: 400, slots: () => 10, completions: (index) => (index < 200 ? 1 : 4), latency: () => 500 },
    15,
  ],
  ['slow and few', { prompts: 30, slots: () => 3, latency: (_, random) => 40_000 + 20_000 * random() }, 25],
];
for (const [title, course, offPercent] of courses) {
  test(`the end of a batch with ${title} is foretold within ${offPercent} %`, () => {
    const marks = [0.25, 0.5, 0.75, 0.9];
    const seen = play(course);
    for (const mark of marks) {
      const { eta, left } = seen.find(({ share }) => share >= mark)!;
      assert.ok(
        eta !== null && Math.abs(eta - left) <= (left * offPercent) / 100,
        `at ${mark}: ${eta} for ${left}`,
      );
    }
  });
}

test('fewer at once are known at once, more within seconds', () => {
  const change = (from: number, to: number) =>
    play({ prompts: 2000, slots: (at) => (at < 20_000 ? from : to), latency: () => 1000 });
  const after = (seen: ReturnType<typeof play>, seconds: number) => {
    const end = seen[0]!.left;
    return seen.find(({ left }) => end - left >= 19 + seconds)!;
  };
  const slower = after(change(40, 10), 3);
  assert.ok(Math.abs(slower.eta! - slower.left) < slower.left / 5, `${slower.eta} for ${slower.left}`);
  const faster = after(change(10, 40), 8);
  assert.ok(Math.abs(faster.eta! - faster.left) < faster.left / 3, `${faster.eta} for ${faster.left}`);
});

test('in the tail the end comes nearer with every prompt, and past it nobody knows', () => {
  const seen = play({ prompts: 100, slots: () => 10, latency: (index) => (index === 95 ? 60_000 : 1000) });
  const tail = seen.slice(-10);
  for (const [at, { eta }] of tail.entries()) {
    const before = tail[at - 1]?.eta ?? Number.POSITIVE_INFINITY;
    assert.ok(eta === null || eta <= before, `${eta} after ${before}`);
  }
  assert.equal(
    etaSecondsOf({
      ...{ pending: 0, pendingCompletions: 0, running: 1, slots: 10 },
      pace: [
        { at: 0, settled: 90 },
        { at: 9000, settled: 99 },
      ],
      spans: { count: 30, meanMs: 1000, completions: 1, slowestMs: 2000 },
    }),
    null,
  );
});

test('what an older execution handed on without times is estimated from the rate', () => {
  const pace = [
    { at: 0, settled: 1 },
    { at: 1000, settled: 3 },
  ];
  assert.equal(
    etaSecondsOf({ pending: 5, pendingCompletions: null, running: 2, slots: 2, pace, spans: null }),
    3.5,
  );
});
