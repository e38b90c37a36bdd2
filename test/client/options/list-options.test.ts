import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listFlags } from '../../../src/client/options/flags.ts';
import { parseFlags } from '../../../src/client/options/parse-flags.ts';

const accepted = [
  [undefined, []],
  [['running'], ['running']],
  [['running,paused'], ['running', 'paused']],
  [
    ['running', 'Partly-Failed, crashed,stopped', 'waiting'],
    ['running', 'partly_failed', 'crashed', 'stopped', 'waiting'],
  ],
] as const;
for (const [typed, states] of accepted) {
  test(`--state ${JSON.stringify(typed)} means ${JSON.stringify(states)}`, () => {
    assert.deepEqual(parseFlags(listFlags, { state: typed }).state, states);
  });
}

test('an unknown state is refused with the names of all', () => {
  assert.throws(
    () => parseFlags(listFlags, { state: ['running,failed'] }),
    /--state: must be of running, paused, cancelling, waiting, stopped, crashed, succeeded, partly_failed, cancelled; got "failed"/,
  );
});
