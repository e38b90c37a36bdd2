import assert from 'node:assert/strict';
import { test } from 'node:test';
import { terminalTraits } from '../../../src/client/render/terminal-traits.ts';

const traits = [
  ['a terminal', { isTTY: true }, {}, { live: true, color: true }],
  ['a terminal with NO_COLOR', { isTTY: true }, { NO_COLOR: '1' }, { live: true, color: false }],
  ['a terminal with an empty NO_COLOR', { isTTY: true }, { NO_COLOR: '' }, { live: true, color: true }],
  ['a dumb terminal', { isTTY: true }, { TERM: 'dumb' }, { live: false, color: false }],
  ['a terminal in CI', { isTTY: true }, { CI: 'true' }, { live: false, color: false }],
  ['a terminal that is in no CI', { isTTY: true }, { CI: 'false' }, { live: true, color: true }],
  ['a pipe', {}, {}, { live: false, color: false }],
] as const;
for (const [title, stream, environment, expected] of traits) {
  test(`knows what ${title} can do`, () => {
    assert.deepEqual(terminalTraits(stream, environment), expected);
  });
}
