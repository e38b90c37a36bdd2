import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  approve,
  approvePriceTable,
  type ApprovedBatch,
  readApproval,
  type Spending,
} from '../../../src/client/trust/approvals.ts';
import type { Destination } from '../../../src/providers/destination.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const batch: ApprovedBatch = { batchId: 'b', location: { kind: 'local', outputDir: '/nowhere', uuid: 'u' } };
const destination: Destination = {
  provider: 'openai-compatible',
  baseUrl: 'https://api.example.com/v1',
  apiKeyEnv: 'EXAMPLE_API_KEY',
};
const spending: Spending = {
  ...{ maxCostNanoUsd: null, maxAttempts: 3, rejectTruncated: false, retryEmpty: false, prices: null },
};

test('of approvals that are written at once, each stays', async (t) => {
  const home = await temporaryFolder(t);
  await approve(home, batch, destination, { prompts: ['first'], spending });
  const names = ['a', 'b', 'c', 'd'];
  await Promise.all(
    names.flatMap((name) => [
      approve(home, batch, destination, { prompts: [name], spending }),
      approvePriceTable(home, batch, destination, name),
    ]),
  );
  const approval = readApproval(home, batch, destination);
  assert.deepEqual(approval?.prompts.toSorted(), [...names, 'first']);
  assert.deepEqual(approval?.price_tables.toSorted(), names);
});

test('a price table alone approves nothing', async (t) => {
  const home = await temporaryFolder(t);
  await approvePriceTable(home, batch, destination, 'a');
  assert.equal(readApproval(home, batch, destination), null);
});
