import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Requester } from '../../src/core/progress.ts';
import { requesterFault } from '../../src/workflows/requester-fault.ts';

for (const [asked, fault] of [
  [null, null],
  [undefined, null],
  [{ by: 'ann@lab', reason: null }, null],
  [{ by: 'ann@lab', reason: 'wrong file' }, null],
  [{ by: 'ann@lab', reason: 5 }, /"reason" must be a text/],
  [{ by: 'ann@lab', reason: 'x'.repeat(1001) }, /"reason" must be a text of at most 1000/],
  [{ reason: 'wrong file' }, /"by" must be a text/],
  [{ by: ['ann'] }, /"by" must be a text/],
  [{ by: 'ann@lab', reason: null, at: 'noon' }, /"by" and "reason" alone/],
  [['ann@lab'], /"by" must be a text/],
] as const) {
  test(`${JSON.stringify(asked)?.slice(0, 60)} ${fault === null ? 'can be asked' : 'is refused'}`, () => {
    const found = requesterFault(asked as Requester | null | undefined);
    if (fault === null) assert.equal(found, null);
    else assert.match(found ?? '', fault);
  });
}
