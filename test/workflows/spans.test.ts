import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSpan, withSpans } from '../../src/workflows/spans.ts';

test('the mean is of completions, and follows what is new', () => {
  let spans = withSpan(null, 4000, 4);
  assert.deepEqual(spans, { count: 1, meanMs: 1000, completions: 4, slowestMs: 4000 });
  for (let prompt = 0; prompt < 200; prompt++) spans = withSpan(spans, 6000, 2);
  assert.ok(Math.abs(spans.meanMs - 3000) < 10, `${spans.meanMs}`);
  assert.ok(Math.abs(spans.completions - 2) < 0.01, `${spans.completions}`);
});

test('the slowest is remembered for a while', () => {
  let spans = withSpan(null, 60_000, 1);
  for (let prompt = 0; prompt < 20; prompt++) spans = withSpan(spans, 1000, 1);
  assert.ok(spans.slowestMs > 45_000);
  for (let prompt = 0; prompt < 1000; prompt++) spans = withSpan(spans, 1000, 1);
  assert.equal(spans.slowestMs, 1000);
});

test('many prompts of a shard weigh more than a few, and none weighs nothing', () => {
  const before = { count: 30, meanMs: 1000, completions: 1, slowestMs: 1000 };
  const news = { count: 30, meanMs: 3000, completions: 2, slowestMs: 9000 };
  const means = [1, 30, 300].map((settled) => withSpans(before, news, settled)!.meanMs);
  assert.ok(means[0]! < 1100 && means[1]! > 2000 && means[2]! > 2990, means.join());
  assert.equal(withSpans(before, news, 1)!.slowestMs, 9000);
  assert.equal(withSpans(before, null, 5), before);
  assert.equal(withSpans(null, news, 5), news);
});
