import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { slugOfFile } from '../../src/input/file-slug.ts';
import { batchIdValue } from '../../src/client/options/batch-id.ts';

describe('slugOfFile', () => {
  const slugs = [
    { file: 'prompts/sample_batch.json', slug: 'sample-batch' },
    { file: 'My Prompts (v2).final.jsonl', slug: 'my-prompts-v2-final' },
    { file: 'Über Café.json', slug: 'uber-cafe' },
    { file: '--x--.json', slug: 'x' },
    { file: '提示.json', slug: 'prompts' },
    { file: '.jsonl', slug: 'jsonl' },
    { file: 'no-extension', slug: 'no-extension' },
    { file: `${'a'.repeat(39)} b.json`, slug: 'a'.repeat(39) },
    { file: `${'a'.repeat(80)}.json`, slug: 'a'.repeat(40) },
  ];
  for (const { file, slug } of slugs) {
    test(`makes ${slug} of ${file}`, () => {
      assert.equal(slugOfFile(file), slug);
      assert.equal(batchIdValue.safeParse(`${slug}-0123456789ab`).success, true);
    });
  }
});
