import assert from 'node:assert/strict';
import { isAbsolute, resolve } from 'node:path';
import { test } from 'node:test';
import { durabatchHome } from '../../src/system/home.ts';

test('DURABATCH_HOME names the home, from the working folder', () => {
  assert.equal(durabatchHome({ DURABATCH_HOME: 'elsewhere' }), resolve('elsewhere'));
});

test('without it the home is the data directory of this user', () => {
  for (const env of [{}, { DURABATCH_HOME: '' }]) {
    const home = durabatchHome(env);
    assert.ok(isAbsolute(home));
    assert.match(home, /durabatch/);
  }
});
