import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPromptFile } from '../../src/input/read-prompt-file.ts';
import { collectPrompts, failureOf, withFile } from './collect-prompts.ts';

const BOM = '\ufeff';

const formats = [
  {
    title: 'a list of items',
    content: '[{"prompt_id":"a","prompt":"One"},{"prompt":"Two"}]',
    source: { format: 'items', prompts: 2 },
    items: [
      { prompt_id: 'a', prompt: 'One' },
      { prompt_id: 'prompt_0002', prompt: 'Two' },
    ],
  },
  {
    title: 'a batch object with prompts last',
    content: '{"batch_name":"B","description":"D","metadata":{"k":[1]},"prompts":[{"prompt":"One"}]}',
    source: { format: 'batch', batchName: 'B', description: 'D', metadata: { k: [1] }, prompts: 1 },
    items: [{ prompt_id: 'prompt_0001', prompt: 'One' }],
  },
  {
    title: 'a batch object with prompts first, as strings',
    content: '{"prompts":["One","Two"],"batch_name":"B"}',
    source: { format: 'batch', batchName: 'B', prompts: 2 },
    items: [
      { prompt_id: 'prompt_0001', prompt: 'One' },
      { prompt_id: 'prompt_0002', prompt: 'Two' },
    ],
  },
  {
    title: 'a batch object with fields of its own, kept in the metadata',
    content: '{"prompts":["One"],"author":"me","metadata":{"k":1}}',
    source: { format: 'batch', metadata: { author: 'me', k: 1 }, prompts: 1 },
    items: [{ prompt_id: 'prompt_0001', prompt: 'One' }],
  },
  {
    title: 'a batch object on one line of a .json file with a line break at the end',
    content: '{"prompts":["One"]}\r\n\r\n',
    source: { format: 'batch', prompts: 1 },
    items: [{ prompt_id: 'prompt_0001', prompt: 'One' }],
  },
  {
    title: 'a list of strings',
    content: '["One","Two\\nlines \\u0000 \\ud83d\\ude00 é"]',
    source: { format: 'strings', prompts: 2 },
    items: [
      { prompt_id: 'prompt_0001', prompt: 'One' },
      { prompt_id: 'prompt_0002', prompt: 'Two\nlines \u0000 😀 é' },
    ],
  },
  {
    title: 'JSON Lines of items and strings, with blank lines',
    name: 'p.jsonl',
    content: '{"prompt_id":"a","prompt":"One"}\n\n  \n"Two"\n',
    source: { format: 'jsonl', prompts: 2 },
    items: [
      { prompt_id: 'a', prompt: 'One' },
      { prompt_id: 'prompt_0002', prompt: 'Two' },
    ],
  },
  {
    title: 'JSON Lines of one line without a line break',
    name: 'p.NDJSON',
    content: '{"prompt":"One"}',
    source: { format: 'jsonl', prompts: 1 },
    items: [{ prompt_id: 'prompt_0001', prompt: 'One' }],
  },
  {
    title: 'JSON Lines in a .json file',
    content: '\n{"prompt":"One"}\n{"prompt":"Two"}',
    source: { format: 'jsonl', prompts: 2 },
    items: [
      { prompt_id: 'prompt_0001', prompt: 'One' },
      { prompt_id: 'prompt_0002', prompt: 'Two' },
    ],
  },
  {
    title: 'JSON with a byte order mark and CRLF',
    content: `${BOM}[\r\n"One"\r\n]\r\n`,
    source: { format: 'strings', prompts: 1 },
    items: [{ prompt_id: 'prompt_0001', prompt: 'One' }],
  },
  {
    title: 'JSON Lines with a byte order mark and CRLF',
    name: 'p.jsonl',
    content: `${BOM}"One"\r\n"${BOM}Two"\r\n`,
    source: { format: 'jsonl', prompts: 2 },
    items: [
      { prompt_id: 'prompt_0001', prompt: 'One' },
      { prompt_id: 'prompt_0002', prompt: `${BOM}Two` },
    ],
  },
];

describe('readPromptFile reads', () => {
  for (const { title, name, content, source, items } of formats) {
    test(title, async () => {
      assert.deepEqual(await collectPrompts(name ?? 'p.json', content), { source, items });
    });
  }
});

describe('readPromptFile calls its sink', () => {
  test('for the next prompt only when it has settled', async () => {
    const events: string[] = [];
    await withFile('p.json', '["a","b"]', (file) =>
      readPromptFile(file, async ({ prompt }) => {
        events.push(`start ${prompt}`);
        await new Promise((resolve) => setImmediate(resolve));
        events.push(`end ${prompt}`);
      }),
    );
    assert.deepEqual(events, ['start a', 'end a', 'start b', 'end b']);
  });

  test('no more after the first problem, and goes on checking', async () => {
    const taken: unknown[] = [];
    await withFile('p.json', '["a","","c",""]', async (file) => {
      const error = await failureOf(readPromptFile(file, ({ prompt }) => void taken.push(prompt)));
      assert.equal(error.total, 2);
    });
    assert.deepEqual(taken, ['a']);
  });

  test("and passes the sink's own error on as it is", async () => {
    const full = new Error('disk full');
    const failing = () => Promise.reject(full);
    for (const name of ['p.json', 'p.jsonl']) {
      await withFile(name, name === 'p.json' ? '["a"]' : '"a"', async (file) => {
        await assert.rejects(readPromptFile(file, failing), (error) => error === full);
      });
    }
  });
});
