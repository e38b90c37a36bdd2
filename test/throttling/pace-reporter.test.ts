import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createPaceReporter } from '../../src/throttling/pace-reporter.ts';
import { SILENT_WORKER_MS } from '../../src/workflows/policies.ts';

/** A teller in made-up time. */
function teller(t: TestContext, fails = false, stepMs = 100) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ms = 0;
  const said: [atMs: number, slots: number, reason: string][] = [];
  const { tell } = createPaceReporter(
    async ({ slots, reason }) => {
      said.push([ms, slots, reason]);
      if (fails) throw new Error('the server is away');
    },
    () => ms,
  );
  return {
    said,
    tell: (slots: number, reason = 'grows') => tell({ slots, reason }),
    wait: async (forMs: number) => {
      for (let left = forMs; left > 0; left -= stepMs) {
        ms += stepMs;
        t.mock.timers.tick(stepMs);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

test('says at once what it hears first, and then what is newest, once a second at most', async (t) => {
  const { said, tell, wait } = teller(t);
  for (let slots = 10; slots < 40; slots++) {
    tell(slots);
    await wait(100);
  }
  await wait(2000);
  assert.deepEqual(
    said.map(([at, slots]) => [at, slots]),
    [
      [0, 10],
      [1000, 19],
      [2000, 29],
      [3000, 39],
    ],
  );
});

test('another reason alone is no hurry, and what is as before is said once a minute', async (t) => {
  const { said, tell, wait } = teller(t);
  for (let second = 0; second < 130; second++) {
    tell(50, second < 2 ? 'grows' : 'halved');
    await wait(1000);
  }
  assert.deepEqual(said, [
    [0, 50, 'grows'],
    [5000, 50, 'halved'],
    [65_000, 50, 'halved'],
    [125_000, 50, 'halved'],
  ]);
});

const HOURS_MS = 3 * 3_600_000;

for (const [what, wordAt] of [
  ['a number in the reason', (n: number) => [50, `about ${100 + n} requests a minute`]],
  ['one slot', (n: number) => [3 + (n % 2), 'grows']],
] as [string, (n: number) => [number, string]][]) {
  test(`${what} that changes all the time is told ever more rarely, but never as rarely as by a worker that is gone`, async (t) => {
    const { said, tell, wait } = teller(t, false, 1000);
    for (let n = 0; n * 1000 < HOURS_MS; n++) {
      tell(...wordAt(n));
      await wait(1000);
    }
    const times = said.map(([at]) => at);
    assert.equal(times[1], 5000);
    assert.ok(times.length < 350, `${times.length} words`);
    times.forEach((at, n) => assert.ok(at - (times[n - 1] ?? 0) < SILENT_WORKER_MS / 2));
  });
}

test('other slots, and another reason, are told as soon after hours as at the beginning', async (t) => {
  const { said, tell, wait } = teller(t, false, 1000);
  await wait(HOURS_MS);
  tell(50, 'about 100 requests a minute');
  tell(70, 'about 130 requests a minute');
  await wait(1000);
  tell(70, 'halved');
  await wait(5000);
  assert.deepEqual(said, [
    [HOURS_MS, 50, 'about 100 requests a minute'],
    [HOURS_MS + 1000, 70, 'about 130 requests a minute'],
    [HOURS_MS + 6000, 70, 'halved'],
  ]);
});

test('without requests it is silent', async (t) => {
  const { said, tell, wait } = teller(t);
  tell(5);
  await wait(200_000);
  assert.equal(said.length, 1);
});

test('a word that is lost is made good by a later one', async (t) => {
  const { said, tell, wait } = teller(t, true);
  tell(5);
  await wait(1000);
  tell(8);
  await wait(100);
  assert.deepEqual(
    said.map(([, slots]) => slots),
    [5, 8],
  );
});
