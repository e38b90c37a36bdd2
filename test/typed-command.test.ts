import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asTyped } from '../src/typed-command.ts';

test('a command is shown as who came by npm has to type it', () => {
  assert.equal(asTyped('durabatch resume a-1', { npm_command: 'exec' }), 'npx durabatch resume a-1');
  assert.equal(asTyped('durabatch resume a-1', {}), 'durabatch resume a-1');
});
