import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstMissing } from '../../scripts/install.mjs';

const wanted = {
  '': { version: '0.1.0' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/a-windows': { version: '1.0.0', optional: true },
  'node_modules/b': { version: '2.0.0', peer: true },
};
const whole = { 'node_modules/a': { version: '1.0.0' } };

const cases: [string, object | undefined, string | undefined][] = [
  ['nothing is installed', undefined, 'none are there yet'],
  ['all is there; other platforms need not be', whole, undefined],
  ['a package is missing', {}, 'node_modules/a: 1.0.0 wanted, nothing installed'],
  [
    'a package has another version',
    { 'node_modules/a': { version: '0.9.0' } },
    'node_modules/a: 1.0.0 wanted, 0.9.0 installed',
  ],
  [
    'an optional package has another version',
    { ...whole, 'node_modules/a-windows': { version: '0.9.0' } },
    'node_modules/a-windows: 1.0.0 wanted, 0.9.0 installed',
  ],
];
for (const [what, installed, reason] of cases) {
  test(`installs when the lock asks for it: ${what}`, () => {
    assert.equal(firstMissing(wanted, installed), reason);
  });
}

test('a checkout without a lock file is an error', () => {
  assert.throws(() => firstMissing(undefined, whole), /package-lock\.json is missing/);
});
