import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createInputHash, INPUT_HASH_VERSION } from '../../../src/client/start/input-hash.ts';
import { goldenRequests } from '../../store/support/golden-requests.ts';

// A hash that changes makes every batch that exists another one. Its version must change with it, and the present hash become
// one of the earlier ones (batch-identity.ts).
describe('the input hash of version 2 stays what it is', () => {
  test('the version', () => assert.equal(INPUT_HASH_VERSION, 2));
  for (const { title, asked, by, golden } of goldenRequests)
    test(title, () => {
      const hash = createInputHash(by);
      hash.add(asked);
      assert.equal(hash.digest(), golden.inputHash);
    });
  test('several prompts', () => {
    const hash = createInputHash(goldenRequests[0]!.by);
    for (const { asked } of goldenRequests) hash.add(asked);
    assert.equal(hash.digest(), 'c9f35cb70dfa5793a0959d720f7974c76e0d218fd49683e0890b44fd19fef2ea');
  });
});
