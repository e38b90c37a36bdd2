import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  advanced,
  type Circumstances,
  FIRST_WINDOW,
  letThrough,
  newThrottle,
  opensAt,
  type Outcome,
  refused,
  type Refusal,
  type Sending,
  sent,
  type Throttle,
  unused,
  widthOf,
} from '../../src/throttling/throttle.ts';
import { atOnce, fixedWindow, type Limit, tokenBucket } from '../support/provider-limits.ts';
import { createRandom } from '../chaos/random.ts';
import { playCrowd } from '../activities/support/limited-crowd.ts';

const SECOND = 1000;
const at = (ms: number, inFlight = 0, ceiling: number | null = 500): Circumstances => ({
  ...{ at: ms, inFlight, ceiling },
});
const tooMany = (retryAfterMs: number | null = null): Refusal => ({
  retryAfterMs,
  status: 429,
  pauses: false,
});
const answeredAfter = (answeredAfterMs: number): Outcome => ({ answeredAfterMs });
const sendOne = (throttle: Throttle, circumstances: Circumstances): [Throttle, Sending] =>
  sent(throttle, circumstances);
/** Sent at 0 and refused at 10 ms. */
const closedBy = (refusal: Refusal, ceiling: number | null = 500): Throttle => {
  const [throttle, sending] = sendOne(newThrottle(0), at(0, 0, ceiling));
  return refused(throttle, sending, refusal, at(10, 0, ceiling), 0);
};

describe('after a refusal', () => {
  for (const ceiling of [500, null]) {
    const workers = ceiling === null ? 'a fixed number of workers' : 'auto';
    test(`nobody is sent before the time that the provider named: ${workers}`, () => {
      const throttle = closedBy(tooMany(7 * SECOND), ceiling);
      assert.equal(opensAt(throttle, at(10, 3, ceiling)), 7010);
      assert.equal(opensAt(throttle, at(7009, 3, ceiling)), 7010);
      assert.equal(opensAt(throttle, at(7010, 0, ceiling)), 7010);
    });
    test(`one tries, and the others wait for what comes of it: ${workers}`, () => {
      const [trying, sending] = sendOne(closedBy(tooMany(SECOND), ceiling), at(2000, 0, ceiling));
      assert.ok(opensAt(trying, at(2001, 1, ceiling)) > 2001);
      const open = letThrough(trying, sending, answeredAfter(100), at(2100, 0, ceiling));
      assert.equal(opensAt(open, at(2100, 0, ceiling)), 2100);
    });
  }
  test('one that tries and gets no answer soon is taken as let through: refusals come at once', () => {
    const [trying] = sendOne(closedBy(tooMany(SECOND)), at(2000));
    const opens = opensAt(trying, at(2001, 1));
    assert.equal(advanced(trying, opens - 1).closed, true);
    assert.equal(advanced(trying, opens).closed, false);
  });
  test('one that tries and is refused closes for longer where the provider names no time', () => {
    const once = closedBy(tooMany());
    const [trying, sending] = sendOne(once, at(once.notBefore));
    const twice = refused(trying, sending, tooMany(), at(once.notBefore + 5), 0);
    assert.deepEqual([once.notBefore - 10, twice.notBefore - once.notBefore - 5], [1000, 2000]);
  });
  test('one that tries and is not needed lets the next one try', () => {
    const [trying, sending] = sendOne(closedBy(tooMany(SECOND)), at(2000));
    assert.equal(opensAt(unused(trying, sending), at(2001)), 2001);
  });
  test('those sent before it and refused after it halve nothing again, but a later time they name counts', () => {
    let throttle = newThrottle(0);
    const sendings: Sending[] = [];
    for (let n = 0; n < 8; n++) {
      const [next, sending] = sendOne(throttle, at(0, n));
      throttle = next;
      sendings.push(sending);
    }
    throttle = refused(throttle, sendings[0]!, tooMany(SECOND), at(10, 7), 0);
    assert.equal(throttle.window, FIRST_WINDOW / 2);
    throttle = refused(throttle, sendings[1]!, tooMany(5 * SECOND), at(11, 6), 0);
    assert.equal(throttle.window, FIRST_WINDOW / 2);
    assert.equal(throttle.notBefore, 5011);
  });
  test('a fixed number of workers goes on where nobody named a time and others are let through', () => {
    const once = closedBy(tooMany(), null);
    assert.equal(opensAt(once, at(10, 3, null)), 10);
    const [next, sending] = sendOne(once, at(10, 3, null));
    const twice = refused(next, sending, tooMany(), at(20, 3, null), 0);
    assert.equal(opensAt(twice, at(20, 3, null)), 1020);
  });
  describe('among many answers, to a fixed number of workers', () => {
    /** Ends as they came, each of a request of its own, a second apart. */
    const after = (ends: readonly ('answered' | Refusal)[], ceiling: number | null = null): Throttle =>
      ends.reduce((before, end, index) => {
        const ms = index * SECOND;
        const [throttle, sending] = sendOne(before, at(ms, 50, ceiling));
        return end === 'answered'
          ? letThrough(throttle, sending, answeredAfter(100), at(ms + 100, 50, ceiling))
          : refused(throttle, sending, end, at(ms + 100, 50, ceiling), 0);
      }, newThrottle(0));
    const answers = (count: number) => Array.from({ length: count }, () => 'answered' as const);
    const opensAfterLast = (
      ends: readonly ('answered' | Refusal)[],
      ceiling: number | null = null,
    ): number => {
      const now = (ends.length - 1) * SECOND + 100;
      return opensAt(after(ends, ceiling), at(now, 50, ceiling)) - now;
    };

    test('a few that name a short wait hold back nobody else', () => {
      assert.equal(opensAfterLast([...answers(19), tooMany(SECOND)]), 0);
      assert.equal(opensAfterLast([...answers(19), ...Array.from({ length: 4 }, () => tooMany(SECOND))]), 0);
    });
    test('more than a few in twenty do', () => {
      const five = Array.from({ length: 5 }, () => tooMany(5 * SECOND));
      assert.equal(opensAfterLast([...answers(30), ...five]), 5 * SECOND);
    });
    test('and so does one before there were many, and one that names a long wait', () => {
      assert.equal(opensAfterLast([...answers(18), tooMany(SECOND)]), SECOND);
      assert.equal(opensAfterLast([...answers(30), tooMany(6 * SECOND)]), 6 * SECOND);
    });
    test('of fifty sent at once by the order in which they were sent, though refusals are heard of first', () => {
      const opensAfter = (refusedOnes: readonly number[]): number => {
        let throttle = after(answers(20));
        const sendings = Array.from({ length: 50 }, (_, inFlight) => {
          const [next, sending] = sendOne(throttle, at(20_000, inFlight, null));
          throttle = next;
          return sending;
        });
        for (const [index, which] of refusedOnes.entries())
          throttle = refused(throttle, sendings[which]!, tooMany(SECOND), at(20_010, 49 - index, null), 0);
        return opensAt(throttle, at(20_010, 40, null));
      };
      assert.equal(opensAfter([3, 14, 22, 30, 38, 47]), 20_010);
      assert.equal(opensAfter([20, 21, 22, 23, 24]), 21_010);
    });
    test('where the number is found out, it goes slower, and on', () => {
      const before = after(answers(80), 20);
      const slower = after([...answers(80), tooMany(SECOND)], 20);
      assert.ok(!slower.closed && slower.notBefore <= 80_100);
      assert.ok(slower.window < before.window && slower.rate !== null);
      // By more each time, while that is of no use; then no more of it.
      const ends = [80, 10, 10, 10, 10].flatMap((count) => [...answers(count), tooMany(SECOND)]);
      const windows = [81, 92, 103, 114, 125].map((count) => after(ends.slice(0, count), 20).window);
      const shares = windows.map((window, index) => window / (windows[index - 1] ?? before.window));
      assert.ok(shares[0]! < 1 && shares[1]! < shares[0]! && shares[2]! < shares[1]!, String(shares));
      assert.ok(shares[3]! >= 1 && shares[4]! >= 1, String(shares));
    });
  });
  test('it is known since when nobody is let through, until somebody is, or the batch pauses for it', () => {
    const once = closedBy(tooMany(SECOND));
    const [trying, sending] = sendOne(once, at(2000));
    const twice = refused(trying, sending, tooMany(SECOND), at(2010), 0);
    assert.equal(twice.unavailableSince, 10);
    const [third, last] = sendOne(twice, at(4000));
    assert.equal(letThrough(third, last, answeredAfter(5), at(4005)).unavailableSince, null);
    const paused = refused(third, last, { ...tooMany(SECOND * 3600), pauses: true }, at(4005), 0);
    assert.equal(paused.unavailableSince, null);
    assert.equal(opensAt(paused, at(4006)), 4006);
  });
});

test('where the first request of all is refused, the limit was used up by others: no rate is made of it', () => {
  const [trying, sending] = sendOne(closedBy(tooMany(30 * SECOND)), at(31_000));
  assert.equal(letThrough(trying, sending, answeredAfter(100), at(31_100)).rate, null);
});

describe('as many at once as the provider takes', () => {
  /** Rounds of as many requests as fit, all answered after `latencyMs(width)`. */
  const climb = (rounds: number, latencyMs: (width: number) => number, ceiling = 500): Throttle => {
    let throttle = newThrottle(0);
    let now = 0;
    for (let round = 0; round < rounds; round++) {
      const width = widthOf(throttle, ceiling);
      const sendings: Sending[] = [];
      for (let n = 0; n < width; n++) {
        const [next, sending] = sendOne(throttle, at(now, n, ceiling));
        throttle = next;
        sendings.push(sending);
      }
      const ms = latencyMs(width);
      now += ms;
      for (const [n, sending] of sendings.entries())
        throttle = letThrough(throttle, sending, answeredAfter(ms), at(now, width - n - 1, ceiling));
    }
    return throttle;
  };
  test('grows up to the ceiling while nothing is refused', () => {
    assert.equal(
      widthOf(
        climb(100, () => 500, 50),
        50,
      ),
      50,
    );
  });
  test('does not wait hours for a slow model', () => {
    assert.ok(
      widthOf(
        climb(5, () => 60 * SECOND),
        500,
      ) >= 100,
    );
  });
  test('stops where more at once only wait for each other', () => {
    const width = widthOf(
      climb(200, (many) => 500 * Math.max(1, many / 20)),
      500,
    );
    assert.ok(width >= 20 && width <= 80, `${width} at once`);
  });
  test('does not grow where there are not enough prompts to fill it', () => {
    let throttle = newThrottle(0);
    for (let n = 0; n < 200; n++) {
      const [next, sending] = sendOne(throttle, at(n * 100, 1));
      throttle = letThrough(next, sending, answeredAfter(90), at(n * 100 + 90, 1));
    }
    assert.equal(throttle.window, FIRST_WINDOW);
  });
});

test('nothing grows while requests fail as they do at a server with too much to do', () => {
  let throttle = newThrottle(0);
  for (let n = 0; n < 400; n++) {
    const [next, sending] = sendOne(throttle, at(n * 100, FIRST_WINDOW - 1));
    const outcome = n % 10 === 0 ? 'strained' : answeredAfter(90);
    throttle = letThrough(next, sending, outcome, at(n * 100 + 90, FIRST_WINDOW - 1));
  }
  assert.equal(throttle.window, FIRST_WINDOW);
});

describe('refusals that have nothing to do with how fast it goes do not bring it to a standstill', () => {
  for (const [share, asFastAs] of [
    [0.01, 4],
    [0.02, 4],
    [0.05, 2],
    [0.1, 0.7],
    [0.15, 0.5],
  ] as const) {
    for (const retryAfterMs of [null, SECOND]) {
      const told = retryAfterMs === null ? '' : ', which tell when to come back';
      test(`${100 * share} % of all${told}: as fast as ${asFastAs} at once at least`, () => {
        const [requests, latencyMs] = [3000, 500];
        const { next: random } = createRandom(3);
        const crowd = { status: 429, requests, latencyMs, refusalMs: 20, random };
        const limit: Limit = () => (random() < share ? { retryAfterMs } : null);
        const { tookMs } = playCrowd({ ...crowd, limit, overheadMs: 5, ceiling: 500 });
        assert.ok(tookMs <= (requests * latencyMs) / asFastAs, `it took ${tookMs} ms`);
      });
    }
  }
});

const limits: [name: string, limit: () => Limit, status: number, perSecond: number | null][] = [
  ['600 in a minute, which tells when to come back', () => fixedWindow(600, 60 * SECOND, true), 429, 10],
  ['600 in a minute, which tells nothing', () => fixedWindow(600, 60 * SECOND, false), 429, 10],
  ['60 in 2 seconds', () => fixedWindow(60, 2 * SECOND, true), 429, 30],
  ['a bucket of 10 that is filled by 10 a second', () => tokenBucket(10, 10, true), 429, 10],
  ['a bucket of 600 that is filled by 10 a second, silent', () => tokenBucket(10, 600, false), 429, 10],
  ['1 a second', () => tokenBucket(1, 5, false), 429, 1],
  ['20 at once', () => atOnce(20), 503, null],
  ['3 at once, told like a rate', () => atOnce(3), 429, null],
];

describe('at most 5 % of 1,500 requests are refused, and it does not go slowly, at a limit of', () => {
  for (const [name, limit, status, perSecond] of limits) {
    for (const [latencyMs, refusalMs] of [
      [20, 5],
      [500, 5],
      [500, 300],
      [5000, 50],
    ] as const) {
      test(`${name}; answers after ${latencyMs} ms, refusals after ${refusalMs} ms`, () => {
        const requests = 1500;
        const random = createRandom(7).next;
        const crowd = { limit: limit(), status, requests, latencyMs, refusalMs, random };
        const end = playCrowd({ ...crowd, overheadMs: 5, ceiling: 500 });
        assert.ok(end.refused <= 0.05 * (requests + end.refused), `${end.refused} were refused`);
        if (perSecond === null) return;
        // A slow model has its climb besides.
        const share = ((requests / perSecond) * SECOND) / (end.tookMs - 20 * latencyMs);
        assert.ok(share > 0.5, `${share} of the rate is used`);
      });
    }
  }
});

const oneEventTakenForMore = [
  { perSecond: 30, capacity: 1, isWindow: true, tells: true, latencyMs: 12, refusalMs: 5, seed: 433473610 },
  {
    perSecond: 1,
    capacity: 194,
    isWindow: true,
    tells: false,
    latencyMs: 13,
    refusalMs: 29,
    seed: 1094418059,
  },
  { perSecond: 4, capacity: 55, isWindow: false, tells: true, latencyMs: 23, refusalMs: 11, seed: 9484975 },
];

test('the same at any rate, whether or not the provider says when to come back', () => {
  const anyLimit = fc.record({
    perSecond: fc.integer({ min: 1, max: 200 }),
    capacity: fc.integer({ min: 1, max: 600 }),
    isWindow: fc.boolean(),
    tells: fc.boolean(),
    latencyMs: fc.integer({ min: 10, max: 5000 }),
    // Sooner than answers: what is sent until the first one is back is refused with it.
    refusalMs: fc.integer({ min: 1, max: 50 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(anyLimit, ({ perSecond, capacity, isWindow, tells, latencyMs, refusalMs, seed }) => {
      const ofMs = Math.max(1000, (capacity / perSecond) * SECOND);
      const inWindow = Math.max(1, Math.round((perSecond * ofMs) / SECOND));
      const limit = isWindow ? fixedWindow(inWindow, ofMs, tells) : tokenBucket(perSecond, capacity, tells);
      const refusedAfter = { refusalMs: Math.min(refusalMs, latencyMs / 2), overheadMs: 5 };
      const crowd = { limit, status: 429, requests: 1500, latencyMs, ...refusedAfter };
      const end = playCrowd({ ...crowd, ceiling: 500, random: createRandom(seed).next });
      assert.ok(end.refused <= 0.05 * (end.answered + end.refused), `${end.refused} were refused`);
    }),
    // These took refusals of one event for several, or for chance, and had 5 to 8 % of them.
    { numRuns: 100, examples: oneEventTakenForMore.map((limit) => [limit]) },
  );
});

test('whatever comes, somebody may go after a time, and never more than the ceiling are let through', () => {
  const event = fc.record({
    what: fc.constantFrom('send', 'answer', 'fail', 'refuse', 'refuse with a time', 'unsent', 'wait'),
    which: fc.nat(100),
    ms: fc.integer({ min: 0, max: 100_000 }),
  });
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 200 }),
      fc.option(fc.integer({ min: 1, max: 20 })),
      (events, ceiling) => {
        let throttle = newThrottle(0);
        let now = 0;
        const away: Sending[] = [];
        for (const { what, which, ms } of events) {
          throttle = advanced(throttle, now);
          if (what === 'wait') now += ms;
          if (what === 'send') {
            if (opensAt(throttle, at(now, away.length, ceiling)) > now) continue;
            if (ceiling !== null) assert.ok(away.length < ceiling);
            const [next, sending] = sent(throttle, at(now, away.length, ceiling));
            throttle = next;
            away.push(sending);
          }
          const [sending] =
            what === 'send' || what === 'wait' ? [] : away.splice(which % (away.length || 1), 1);
          if (!sending) continue;
          const circumstances = at(now, away.length, ceiling);
          if (what === 'unsent') throttle = unused(throttle, sending);
          if (what === 'answer') throttle = letThrough(throttle, sending, answeredAfter(ms), circumstances);
          if (what === 'fail')
            throttle = letThrough(throttle, sending, which % 2 === 0 ? 'failed' : 'strained', circumstances);
          if (what === 'refuse') throttle = refused(throttle, sending, tooMany(), circumstances, which / 100);
          if (what === 'refuse with a time')
            throttle = refused(throttle, sending, tooMany(ms), circumstances, which / 100);
          assert.ok(throttle.window >= 1 && throttle.window <= Math.max(FIRST_WINDOW, ceiling ?? 0));
          assert.ok(throttle.rate === null || throttle.rate > 0);
        }
        // With nothing in flight it opens in the end.
        const opens = opensAt({ ...throttle, tryingSince: null }, at(now, 0, ceiling));
        assert.ok(Number.isFinite(opens) && opens <= Math.max(now, throttle.notBefore, throttle.dueAt));
      },
    ),
  );
});
