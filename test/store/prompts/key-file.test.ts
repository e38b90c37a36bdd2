import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { KeyFileWriter, keyFileOf } from '../../../src/store/prompts/key-file.ts';
import { requestKey } from '../../../src/store/prompts/request-key.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { goldenRequests } from '../support/golden-requests.ts';

test('a key file is its version, and for each prompt the digest and the token limit', async (t) => {
  const folder = await temporaryFolder(t);
  const writer = await KeyFileWriter.create(folder);
  for (const { asked, by } of goldenRequests) await writer.add(requestKey(asked, by));
  await writer.finish();
  const bytes = await readFile(keyFileOf(folder, '00000.jsonl'));
  assert.equal(bytes.subarray(0, 16).toString(), 'durabatch keys 1');
  // 256 and 9 as doubles, little endian.
  const limits: Record<string, string> = { '256': '0000000000007040', '9': '0000000000002240' };
  const entries = goldenRequests.map(({ golden: { key } }) => {
    const [digest = '', limit = ''] = key.split(' ');
    return digest + limits[limit];
  });
  assert.equal(bytes.subarray(16).toString('hex'), entries.join(''));
});
