import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChaos } from './run-chaos.ts';

/** The short form of `npm run chaos`. */
const options = {
  prompts: 60,
  kills: 4,
  stops: 0,
  seed: 7,
  completions: 2,
  maxWorkers: 20,
  workers: 1,
  honourN: false,
  deadlineMs: 25 * 60_000,
} as const;

test('killed at any moment, a batch finishes, and buys nothing that it has', async (t) => {
  const { checks, figures, folder } = await runChaos(options, (line) => t.diagnostic(line));
  for (const line of figures) t.diagnostic(line);
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
    `with seed ${options.seed}; see ${folder}`,
  );
});
