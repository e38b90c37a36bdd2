import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createPaceTeller } from '../../src/activities/tell-pace.ts';

/** A teller in made-up time. */
function teller(t: TestContext, fails = false) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ms = 0;
  const said: [atMs: number, slots: number, reason: string][] = [];
  const { tell } = createPaceTeller(
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
      for (let left = forMs; left > 0; left -= 100) {
        ms += 100;
        t.mock.timers.tick(100);
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
