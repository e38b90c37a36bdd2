import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine } from '../../src/core/command-line.ts';
import { asTyped } from '../../src/system/typed-command.ts';

test('a command is shown as who came by npm has to type it', () => {
  assert.equal(
    asTyped(commandLine`durabatch resume a-1`, { npm_command: 'exec' }),
    'npx durabatch resume a-1',
  );
  assert.equal(asTyped(commandLine`durabatch resume a-1`, {}), 'durabatch resume a-1');
});
