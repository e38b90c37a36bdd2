import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { readPromptFile } from '../../src/input/read-prompt-file.ts';
import type { PromptItem } from '../../src/core/prompt.ts';
import { toInputLine } from '../../src/report/failed-prompt.ts';
import { tempFolder } from './support/temp-folder.ts';

const normalised = async (file: string): Promise<PromptItem[]> => {
  const items: PromptItem[] = [];
  await readPromptFile(file, (item) => void items.push(item));
  return items;
};

test('a failed prompt is written as the item it was read from', () => {
  const item: PromptItem = {
    prompt_id: 'a',
    messages: [{ role: 'user', content: 'Why?' }],
    temperature: 0,
    fields: { topic: 'x', nested: { deep: [1] } },
  };
  assert.deepEqual(JSON.parse(toInputLine(item)), {
    prompt_id: 'a',
    messages: [{ role: 'user', content: 'Why?' }],
    temperature: 0,
    topic: 'x',
    nested: { deep: [1] },
  });
});

const label = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((text) => text.trim() !== '' && !/[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/u.test(text));
const filled = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.trim() !== '');
const name = fc.oneof(
  fc.constantFrom(
    'prompt',
    'messages',
    'fields',
    'model',
    'completions',
    'prompt_id',
    'extra_body',
    '__proto__',
    'topic',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
);
/** As the command line gives it on: any JSON value, in an object of the user's own names. */
const fields = fc
  .array(fc.tuple(name, fc.jsonValue({ maxDepth: 3 })), { maxLength: 5 })
  .map((entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries))) as Record<string, unknown>);
const text = fc.oneof(
  filled.map((prompt) => ({ prompt })),
  fc
    .array(fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: filled }), {
      maxLength: 3,
    })
    .map((messages) => ({ messages: [...messages, { role: 'user', content: 'Why?' }] })),
);
const overrides = fc.record(
  {
    model: label,
    temperature: fc.constantFrom(0, 0.7, 2),
    top_p: fc.constantFrom(0.1, 1),
    max_tokens: fc.integer({ min: 1, max: 5000 }),
    completions: fc.integer({ min: 1, max: 9 }),
    extra_body: fc.constantFrom({ seed: 1 }, { stop: ['a'], response_format: { type: 'json_object' } }),
  },
  { requiredKeys: [] },
);
const item = fc.tuple(text, overrides, fields).map(([asked, own, kept]) => ({
  ...asked,
  ...own,
  fields: kept,
}));

test('whatever prompts failed, their file reads back as the same prompts', async (t) => {
  const folder = await tempFolder(t);
  await fc.assert(
    fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 5 }), async (raw) => {
      const [given, again] = [join(folder, 'given.jsonl'), join(folder, 'failures.jsonl')];
      const lines = raw.map((each, index) => JSON.stringify({ prompt_id: `id-${index}`, ...each }));
      await writeFile(given, lines.join('\n'));
      const items = await normalised(given);
      await writeFile(again, items.map(toInputLine).join(''));
      assert.deepEqual(await normalised(again), items);
    }),
    { numRuns: 200 },
  );
});
