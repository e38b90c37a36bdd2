import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asTyped } from '../../../src/client/render/typed-command.ts';

const cases: [text: string, byNpm: string][] = [
  ['To go on: durabatch resume a-1', 'To go on: npx durabatch resume a-1'],
  ['"durabatch list" shows them', '"npx durabatch list" shows them'],
  ['type: durabatch add a-1 more.json', 'type: npx durabatch add a-1 more.json'],
  ['Next: \u001b[1mdurabatch retry a-1\u001b[22m', 'Next: \u001b[1mnpx durabatch retry a-1\u001b[22m'],
  ['durabatch keeps every answer', 'durabatch keeps every answer'],
  ['in /data/durabatch run', 'in /data/durabatch run'],
];
for (const [text, byNpm] of cases) {
  test(`shows ${JSON.stringify(text)} as it has to be typed`, () => {
    assert.equal(asTyped(text, { npm_command: 'exec' }), byNpm);
    assert.equal(asTyped(text, {}), text);
  });
}
