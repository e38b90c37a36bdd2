import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PromptItem } from '../../src/core/prompt.ts';
import { readPromptFile } from '../../src/input/read-prompt-file.ts';

const samples = [
  { name: 'sample_batch.json', format: 'batch', prompts: 10 },
  { name: 'sample_items.json', format: 'items', prompts: 3 },
  { name: 'sample_strings.json', format: 'strings', prompts: 3 },
  { name: 'sample_lines.jsonl', format: 'jsonl', prompts: 3 },
  { name: 'sample_openai_batch.jsonl', format: 'jsonl', prompts: 3 },
];

const fileOf = (name: string) => fileURLToPath(new URL(`../../prompts/${name}`, import.meta.url));

for (const { name, format, prompts } of samples) {
  test(`prompts/${name} is ${prompts} prompts in the format ${format}`, async () => {
    const source = await readPromptFile(fileOf(name), () => undefined);
    assert.equal(source.format, format);
    assert.equal(source.prompts, prompts);
  });
}

test('prompts/sample_batch.json shows what a prompt can carry', async () => {
  const items: PromptItem[] = [];
  const source = await readPromptFile(fileOf('sample_batch.json'), (item) => void items.push(item));
  assert.deepEqual(Object.keys(source).sort(), ['batchName', 'description', 'format', 'metadata', 'prompts']);
  assert.ok(items.some(({ messages }) => messages?.[0]?.role === 'system'));
  assert.ok(items.some(({ temperature }) => temperature !== undefined));
  assert.ok(items.every(({ fields }) => typeof fields?.['category'] === 'string'));
});
