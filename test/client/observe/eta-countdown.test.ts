import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEtaCountdown } from '../../../src/client/observe/eta-countdown.ts';
import type { Progress } from '../../../src/core/progress.ts';
import { NO_RETRIES } from '../../../src/client/observe/retries.ts';
import { sampleProgress } from '../render/sample-progress.ts';

const counts = { total: 100, pending: 40, running: 10, succeeded: 50, failed: 0, notRun: 0 };

function countdown() {
  const clock = { ms: 0 };
  const now = (): number => clock.ms;
  const etaOf = createEtaCountdown({ now, date: now });
  return { clock, etaOf: (progress: Progress, retries = NO_RETRIES) => etaOf(progress, retries) };
}

test('once nothing waits, the time that passes is taken off, and nobody knows the end once it should have come', () => {
  const { clock, etaOf } = countdown();
  const tail = { ...sampleProgress({ etaSeconds: 10 }), counts: { ...counts, pending: 0 } };
  const seen = [0, 4000, 9000, 11_000].map((ms) => ((clock.ms = ms), etaOf(tail)));
  assert.deepEqual(seen, [10, 6, 1, null]);
  const next = { ...tail, etaSeconds: 3, counts: { ...tail.counts, running: 9, succeeded: 51 } };
  assert.equal(etaOf(next), 3, 'a prompt that settles sets it anew');
});

test('while prompts wait, a standstill brings the end no nearer', () => {
  const { clock, etaOf } = countdown();
  const progress = sampleProgress({ etaSeconds: 50, promptsPerSecond: 0.5, counts });
  const seen = [0, 1000, 2000, 60_000].map((ms) => ((clock.ms = ms), etaOf(progress)));
  assert.deepEqual(seen, [50, 49, 48, 48]);
});

test('what nobody knows stays unknown, and an end stays an end', () => {
  const { etaOf } = countdown();
  assert.equal(etaOf(sampleProgress({ etaSeconds: null })), null);
  assert.equal(
    etaOf(sampleProgress({ etaSeconds: 0, counts: { ...counts, pending: 0, running: 0, succeeded: 100 } })),
    0,
  );
});

test('the end does not come before the last try that is planned', () => {
  const { clock, etaOf } = countdown();
  const retries = { ...NO_RETRIES, prompts: 1, lastTryAt: 60_000 };
  const tail = { ...sampleProgress({ etaSeconds: 3 }), counts: { ...counts, pending: 0 } };
  const seen = [0, 59_000, 61_000].map((ms) => ((clock.ms = ms), etaOf(tail, retries)));
  assert.deepEqual(seen, [60, 1, null]);
});
