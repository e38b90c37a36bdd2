import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PromptItem } from '../../../src/core/prompt.ts';
import { PromptsFile } from '../../../src/store/prompts/prompts-file.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const shard = { firstIndex: 10, lastIndex: 12, maxCompletions: 4 };
const prompt = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({ prompt_id: 'p', prompt: 'Question?', ...changes });
async function itemsOf(prompts: AsyncIterable<{ item: PromptItem }>): Promise<PromptItem[]> {
  const items: PromptItem[] = [];
  for await (const { item } of prompts) items.push(item);
  return items;
}
const user = { role: 'user', content: 'Question?' };

const foreign: [line: string, says: string | RegExp][] = [
  ['hello', 'it is not JSON'],
  ['', 'it is not JSON'],
  ['{"prompt_id":"p","prompt":"Question?', 'it is not JSON'],
  [prompt({ temperature: 'Question?' }), /got a string/],
  ['null', 'expected a prompt, got null'],
  ['["x"]', 'expected a prompt, got a list'],
  [
    prompt({ prompt_id: undefined }),
    '"prompt_id" must be a string of at most 10,000 characters, got nothing',
  ],
  [prompt({ prompt_id: 7 }), /"prompt_id" must be .*, got 7/],
  [prompt({ prompt: { toString: 1 } }), '"prompt" must be a string, got an object'],
  [
    prompt({ prompt: undefined }),
    '"messages" must be a list of {"role", "content"} where there is no "prompt", got nothing',
  ],
  [prompt({ messages: [user] }), /"messages" must be absent beside "prompt"/],
  [prompt({ prompt: undefined, messages: [] }), /"messages" must be .*, got a list/],
  [prompt({ prompt: undefined, messages: [user, { role: 'owner', content: '' }] }), /"messages" must be/],
  [prompt({ prompt: undefined, messages: [{ role: 'user', content: 7 }] }), /"messages" must be/],
  [prompt({ model: 7 }), /"model" must be .*, got 7/],
  [prompt({ temperature: 3 }), '"temperature" must be a number from 0 to 2, got 3'],
  [prompt({ top_p: '1' }), '"top_p" must be a number from 0 to 1, got a string'],
  [prompt({ max_tokens: -1 }), '"max_tokens" must be a whole number, at least 1, got -1'],
  [prompt({ completions: 5 }), '"completions" must be a whole number from 1 to 4, got 5'],
  [prompt({ completions: 1e9 }), /"completions" must be .*, got 1000000000/],
  [prompt({ completions: 0 }), /"completions" must be .*, got 0/],
  [prompt({ extra_body: 'x' }), /"extra_body" must be an object/],
  [prompt({ extra_body: { n: 64 } }), /"extra_body" must be an object without .*, got an object/],
  [prompt({ extra_body: { max_tokens: 100_000 } }), /"extra_body" must be/],
  [prompt({ fields: ['x'] }), '"fields" must be an object, got a list'],
  [prompt({ prompt: 7, other: 'x'.repeat(1e5) }), /got 7/],
];
for (const [line, says] of foreign) {
  test(`names file, line, expected and found: ${line.slice(0, 80)}`, async (t) => {
    const path = join(await temporaryFolder(t), '00000.jsonl');
    await writeFile(path, `${prompt()}\n${line}\n${prompt()}\n`);
    const file = new PromptsFile(path, shard);
    const readAll = async (): Promise<void> => {
      for await (const { index } of file.all()) assert.equal(index, 10);
    };
    for (const read of [readAll, () => file.read(11)]) {
      await assert.rejects(read, (error: Error) => {
        assert.ok(error instanceof StoreError);
        assert.ok(error.message.startsWith(`${path}: line 2: `), error.message);
        if (typeof says === 'string') assert.ok(error.message.includes(`line 2: ${says}. `), error.message);
        else assert.match(error.message, says);
        assert.doesNotMatch(error.message, /Question/);
        assert.ok(error.message.length < path.length + 400);
        return true;
      });
    }
    assert.equal((await file.read(12)).prompt_id, 'p');
  });
}

test('refuses more prompts than the shard has', async (t) => {
  const path = join(await temporaryFolder(t), '00000.jsonl');
  await writeFile(path, `${prompt()}\n`.repeat(4));
  const file = new PromptsFile(path, shard);
  for (const read of [() => itemsOf(file.all()), () => file.read(13)])
    await assert.rejects(read, /00000\.jsonl: line 4: expected 3 prompts, got more\. The prompts of a batch/);
});

test('takes what a batch has, and what a later version may add', async (t) => {
  const path = join(await temporaryFolder(t), '00000.jsonl');
  const items = [
    { prompt_id: 'a', prompt: '', completions: 4, max_tokens: 1, temperature: 0, top_p: 1, model: 'm' },
    {
      prompt_id: 'b',
      messages: [{ role: 'system', content: '' }, user],
      extra_body: { stop: 'x' },
      later: [1],
    },
    JSON.parse('{"prompt_id": "c", "prompt": "x", "fields": {"__proto__": {"model": "evil"}}}') as object,
  ];
  await writeFile(path, items.map((item) => JSON.stringify(item)).join('\n'));
  const read = await itemsOf(new PromptsFile(path, shard).all());
  assert.deepEqual(
    read.map((item) => JSON.stringify(item)),
    items.map((item) => JSON.stringify(item)),
  );
});
