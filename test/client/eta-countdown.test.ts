import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEtaCountdown } from '../../src/client/eta-countdown.ts';
import { sampleProgress } from './render/sample-progress.ts';

const counts = { total: 100, pending: 40, running: 10, succeeded: 50, failed: 0, notRun: 0 };

function countdown() {
  const clock = { ms: 0 };
  return { clock, etaOf: createEtaCountdown(() => clock.ms) };
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
