import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toShownUrl } from '../../../src/client/render/shown-url.ts';

const addresses: [address: string, shown: string][] = [
  ['http://127.0.0.1:8233', 'http://127.0.0.1:8233'],
  [
    'https://cloud.temporal.io/namespaces/a/workflows/b%20c',
    'https://cloud.temporal.io/namespaces/a/workflows/b%20c',
  ],
  ['http://127.0.0.1/\u202ea b\u001b[2J', 'http://127.0.0.1/%E2%80%AEa%20b%1B[2J'],
  ['javascript:alert(1)', 'no web address: "javascript:alert(1)"'],
  ['file:///etc/passwd', 'no web address: "file:///etc/passwd"'],
  ['x-apple:\u001b]0;x\u0007', 'no web address: "x-apple:"'],
  ['somewhere', 'no web address: "somewhere"'],
];
for (const [address, shown] of addresses)
  test(`${JSON.stringify(address)} is shown as ${shown}`, () => {
    assert.equal(toShownUrl(address), shown);
  });
