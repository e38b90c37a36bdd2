import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFileSweep } from './run-file-sweep.ts';

/** The short form of `npm run chaos -- --files`. */
const options = { seed: 7, trials: 4, lanes: 2 } as const;

test('whichever file operation fails, the batch goes on, loses nothing and buys nothing again', async (t) => {
  t.diagnostic(`seed ${options.seed}`);
  const { failed, missed, trials, folder } = await runFileSweep(options, (line) => t.diagnostic(line));
  assert.deepEqual(failed, [], `with seed ${options.seed}; see ${folder}`);
  assert.ok(missed < trials, 'at least one fault befell an operation');
});
