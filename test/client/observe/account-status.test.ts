import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountView, Rates } from '../../../src/core/lease.ts';
import { accountText } from '../../../src/client/observe/account-status.ts';

const rates = (requests: number | null, tokens: number | null = null): Rates => ({ requests, tokens });
const own = { batchId: 'mine', limits: rates(600), rates: rates(294) };
const other = { batchId: 'other', limits: rates(600), rates: rates(294) };

const rows: [title: string, view: AccountView | null, text: string][] = [
  ['nobody answers', null, 'acme: 600 requests a minute'],
  ['another batch has it', { limits: rates(600), batches: [other] }, 'acme: 600 requests a minute'],
  [
    'it has the account to itself',
    { limits: rates(600), batches: [{ ...own, rates: rates(588) }] },
    'acme: 600 requests a minute; this batch may send 588 requests a minute now',
  ],
  [
    'it shares the account',
    { limits: rates(600), batches: [own, other] },
    'acme: 600 requests a minute, shared with 1 other batch; this batch may send 294 requests a minute now',
  ],
  [
    'another batch names less',
    {
      limits: rates(6, 900),
      batches: [{ ...own, rates: rates(2.94, 441) }, other, { ...other, batchId: 'third' }],
    },
    "acme: 6 requests and 900 tokens a minute, since another batch names less than this one's 600 requests a minute, " +
      'shared with 2 other batches; this batch may send 2.9 requests and 441 tokens a minute now',
  ],
];

for (const [title, view, text] of rows) {
  test(`tells what a batch may send where ${title}`, () => {
    const account = { name: 'acme', requestsPerMinute: 600, tokensPerMinute: null };
    assert.equal(accountText(account, 'mine', view), text);
  });
}
