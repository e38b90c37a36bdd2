import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { collectPrompts, problemsOf } from './collect-prompts.ts';

const id256 = '€'.repeat(256);

const good = [
  {
    title: 'all of its own sampling',
    item: { prompt: 'p', model: 'm', temperature: 2, top_p: 1, max_tokens: 1, completions: 3 },
  },
  { title: 'the lowest temperature', item: { prompt: 'p', temperature: 0 } },
  { title: 'a prompt with blank space around it, kept', item: { prompt: '  p\n' } },
  { title: 'a prompt_id of 256 characters', item: { prompt_id: id256, prompt: 'p' } },
  { title: 'a prompt_id of 256 emoji', item: { prompt_id: '😀'.repeat(256), prompt: 'p' } },
  {
    title: 'messages, with an empty system message',
    item: {
      messages: [
        { role: 'system', content: '' },
        { role: 'user', content: 'u' },
        { role: 'assistant', content: '' },
      ],
    },
  },
];

describe('a prompt may have', () => {
  for (const { title, item } of good) {
    test(title, async () => {
      const { items } = await collectPrompts('p.json', JSON.stringify([item]));
      assert.deepEqual(items, [{ prompt_id: 'prompt_0001', ...item }]);
    });
  }
});

const normalised = [
  {
    title: 'unknown fields are kept under "fields"',
    item: '{"prompt":"p","a":1,"b":{"c":null}}',
    fields: { a: 1, b: { c: null } },
  },
  {
    title: 'an object called "fields" is merged with them',
    item: '{"prompt":"p","a":1,"fields":{"b":2}}',
    fields: { a: 1, b: 2 },
  },
  {
    title: 'fields may have the names of known ones',
    item: '{"prompt":"p","fields":{"prompt":2}}',
    fields: { prompt: 2 },
  },
  {
    title: 'a field called "fields" that is no object is kept by its name',
    item: '{"prompt":"p","fields":[1]}',
    fields: { fields: [1] },
  },
  { title: 'an empty "fields" is left out', item: '{"prompt":"p","fields":{}}', fields: undefined },
];

describe('of a prompt', () => {
  for (const { title, item, fields } of normalised) {
    test(title, async () => {
      const { items } = await collectPrompts('p.json', `[${item}]`);
      assert.deepEqual(items[0]?.fields, fields);
    });
  }

  test('a whole number as prompt_id becomes its decimal text', async () => {
    const { items } = await collectPrompts('p.json', '[{"prompt_id":17,"prompt":"p"}]');
    assert.equal(items[0]?.prompt_id, '17');
  });

  test('equal prompts become equal texts whatever the order of their fields', async () => {
    const { items } = await collectPrompts(
      'p.json',
      '{"prompts":[{"model":"m","completions":1,"prompt":"p","x":1,"prompt_id":"a"}]}',
    );
    assert.equal(
      JSON.stringify(items[0]),
      '{"prompt_id":"a","prompt":"p","model":"m","completions":1,"fields":{"x":1}}',
    );
  });

  test('a field called __proto__ is a field like any other', async () => {
    const { items } = await collectPrompts(
      'p.json',
      '[{"prompt":"p","__proto__":{"temperature":9},"x":{"__proto__":1}}]',
    );
    assert.equal(items[0]?.temperature, undefined);
    assert.equal(JSON.stringify(items[0]?.fields), '{"__proto__":{"temperature":9},"x":{"__proto__":1}}');
    assert.equal(({} as Record<string, unknown>)['temperature'], undefined);
  });
});

const ID = '"prompt_id" must be a string of 1 to 256 characters, or a whole number, got';
const MESSAGES = '"messages" must be a non-empty list of {"role", "content"} with a user message, got';

const bad: { item: string; problems: string[] }[] = [
  { item: '{"prompt":null}', problems: ['"prompt" must be a non-empty string, got null'] },
  { item: '{"prompt":" \\n\\t"}', problems: ['"prompt" must be a non-empty string, got " \\n\\t"'] },
  { item: '""', problems: ['"prompt" must be a non-empty string, got ""'] },
  { item: '{"prompt":["a"]}', problems: ['"prompt" must be a non-empty string, got a list'] },
  { item: '17', problems: ['must be an object with "prompt", or a string, got 17'] },
  { item: 'null', problems: ['must be an object with "prompt", or a string, got null'] },
  { item: '["a"]', problems: ['must be an object with "prompt", or a string, got a list'] },
  { item: '{}', problems: ['must have "prompt" or "messages", got an empty object'] },
  { item: '{"id":1,"text":"x"}', problems: ['must have "prompt" or "messages", got "id", "text"'] },
  {
    item: '{"prompt":"a","messages":[{"role":"user","content":"b"}]}',
    problems: ['has both "prompt" and "messages": keep one of them'],
  },
  {
    item: '{"prompt":"p","temperature":"0.7"}',
    problems: ['"temperature" must be a number from 0 to 2, got "0.7" (a string: leave out the quotes)'],
  },
  {
    item: '{"prompt":"p","temperature":2.1}',
    problems: ['"temperature" must be a number from 0 to 2, got 2.1'],
  },
  {
    item: '{"prompt":"p","temperature":-0.1}',
    problems: ['"temperature" must be a number from 0 to 2, got -0.1'],
  },
  {
    item: '{"prompt":"p","temperature":null}',
    problems: ['"temperature" must be a number from 0 to 2, got null'],
  },
  { item: '{"prompt":"p","top_p":0}', problems: ['"top_p" must be a number above 0, up to 1, got 0'] },
  { item: '{"prompt":"p","top_p":1.01}', problems: ['"top_p" must be a number above 0, up to 1, got 1.01'] },
  {
    item: '{"prompt":"p","max_tokens":0}',
    problems: ['"max_tokens" must be a whole number, at least 1, got 0'],
  },
  {
    item: '{"prompt":"p","max_tokens":"256"}',
    problems: ['"max_tokens" must be a whole number, at least 1, got "256" (a string: leave out the quotes)'],
  },
  {
    item: '{"prompt":"p","completions":1.5}',
    problems: ['"completions" must be a whole number, at least 1, got 1.5'],
  },
  {
    item: '{"prompt":"p","completions":true}',
    problems: ['"completions" must be a whole number, at least 1, got true'],
  },
  {
    item: '{"prompt":"p","model":""}',
    problems: ['"model" must be a string of 1 to 256 characters, got ""'],
  },
  { item: '{"prompt":"p","prompt_id":""}', problems: [`${ID} ""`] },
  { item: '{"prompt":"p","prompt_id":"  "}', problems: [`${ID} "  "`] },
  { item: '{"prompt":"p","prompt_id":1.5}', problems: [`${ID} 1.5`] },
  { item: '{"prompt":"p","prompt_id":null}', problems: [`${ID} null`] },
  {
    item: `{"prompt":"p","prompt_id":"${id256}€"}`,
    problems: [`${ID} "${'€'.repeat(40)}…" (257 characters)`],
  },
  {
    item: '{"prompt":"p","prompt_id":"a\\u001b[2Jb"}',
    problems: ['"prompt_id" must be free of line breaks and control characters, got "a\\u001b[2Jb"'],
  },
  {
    item: '{"prompt":"p","prompt_id":"a\\u009b\\u202eb\\u2028"}',
    problems: [
      '"prompt_id" must be free of line breaks and control characters, got "a\\u009b\\u202eb\\u2028"',
    ],
  },
  {
    item: '{"prompt":"p","prompt_id":12345678901234567890}',
    problems: [
      '"prompt_id" is 12345678901234567890, a number too large to be kept exactly: put it in quotes',
    ],
  },
  {
    item: '{"prompt":"p","tweet":{"ids":[1,9007199254740993]}}',
    problems: ['"tweet.ids[1]" is 9007199254740993, a number too large to be kept exactly: put it in quotes'],
  },
  {
    item: '{"prompt":"p","x":1e999}',
    problems: ['"x" is 1e999, a number too large to be kept exactly: put it in quotes'],
  },
  {
    item: '{"prompt":"a\\ud83d"}',
    problems: [
      '"prompt" holds \\ud83d, half a character: it cannot be written as UTF-8, remove it or add its other half',
    ],
  },
  {
    item: '{"prompt":"p","x\\udc00":1}',
    problems: [
      '"x\\udc00" is a name that holds \\udc00, half a character: it cannot be written as UTF-8, remove it or add its other half',
    ],
  },
  {
    item: '{"prompt":"p","a":1,"fields":{"a":2}}',
    problems: ['has "a" both beside and in "fields": keep one'],
  },
  { item: '{"messages":[]}', problems: [`${MESSAGES} an empty list`] },
  { item: '{"messages":"hi"}', problems: [`${MESSAGES} "hi"`] },
  { item: '{"messages":[{"role":"system","content":"s"}]}', problems: [`${MESSAGES} a list`] },
  {
    item: '{"messages":[{"role":"bot","content":"x"},{"role":"user","content":null,"name":"n"},{"role":"user","content":" "},{"role":"user"},"x"]}',
    problems: [
      '"messages[0].role" must be one of "system", "user", "assistant", got "bot"',
      '"messages[1].content" must be a string, got null',
      '"messages[1]" has the unknown field "name"',
      '"messages[2].content" must be a non-empty string in a user message, got " "',
      '"messages[3].content" must be a string, got nothing',
      '"messages[4]" must be an object, got "x"',
    ],
  },
  {
    item: '{"prompt":"","temperature":3,"top_p":2,"max_tokens":-1}',
    problems: [
      '"prompt" must be a non-empty string, got ""',
      '"temperature" must be a number from 0 to 2, got 3',
      '"top_p" must be a number above 0, up to 1, got 2',
      '"max_tokens" must be a whole number, at least 1, got -1',
    ],
  },
];

describe('as a prompt is refused', () => {
  for (const { item, problems } of bad) {
    test(item.length > 100 ? `${item.slice(0, 100)}…` : item, async () => {
      const asJson = problems.map((problem) => `p.json: item 2: ${problem}`);
      assert.deepEqual(await problemsOf('p.json', `["first",${item}]`), asJson);
      const asLines = problems.map((problem) => `p.jsonl: item 2 (line 3): ${problem}`);
      assert.deepEqual(await problemsOf('p.jsonl', `"first"\n\n${item}\n`), asLines);
    });
  }

  for (const name of ['p.json', 'p.jsonl']) {
    test(`nesting of 100,000 levels (${name})`, async () => {
      const deep = `{"prompt":"p","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      const problems = await problemsOf(name, name === 'p.json' ? `[${deep}, ""]` : `${deep}\n""`);
      assert.equal(problems.length, 2);
      assert.match(problems[0]!, /: is nested deeper than 100 levels$/);
      assert.match(problems[1]!, /item 2.*non-empty string/);
    });
  }
});

const duplicates = [
  {
    title: 'names both items',
    content: '[{"prompt_id":"a","prompt":"x"},"y",{"prompt_id":"a","prompt":"z"}]',
    problem: 'item 3: "prompt_id" "a" is already used by item 1',
  },
  {
    title: 'sees a number and its text as one',
    content: '[{"prompt_id":1,"prompt":"x"},{"prompt_id":"1","prompt":"z"}]',
    problem: 'item 2: "prompt_id" "1" is already used by item 1',
  },
  {
    title: 'covers ids given by position',
    content: '[{"prompt_id":"prompt_0002","prompt":"x"},"y"]',
    problem: 'item 2: "prompt_id" "prompt_0002", given by position, is already used by item 1',
  },
];

describe('a duplicate id', () => {
  for (const { title, content, problem } of duplicates) {
    test(title, async () => assert.deepEqual(await problemsOf('p.json', content), [`p.json: ${problem}`]));
  }

  test('differs by case', async () => {
    const { items } = await collectPrompts(
      'p.json',
      '[{"prompt_id":"a","prompt":"x"},{"prompt_id":"A","prompt":"z"}]',
    );
    assert.deepEqual(
      items.map((item) => item.prompt_id),
      ['a', 'A'],
    );
  });
});

describe('the id of an item', () => {
  for (const [item, id, fields] of [
    ['{"prompt":"p","id":"a"}', 'a', undefined],
    ['{"prompt":"p","custom_id":17,"topic":"x"}', '17', { topic: 'x' }],
    ['{"prompt":"p","id":17,"custom_id":"17","prompt_id":"17"}', '17', undefined],
    ['{"prompt":"p","id":null}', 'prompt_0001', { id: null }],
    ['{"prompt":"p","prompt_id":"a","id":"b"}', 'a', { id: 'b' }],
    ['{"prompt":"p","prompt_id":17,"id":"17","custom_id":"c"}', '17', { custom_id: 'c' }],
    ['{"prompt":"p","prompt_id":"a","id":"","custom_id":{"x":1}}', 'a', { id: '', custom_id: { x: 1 } }],
    ['{"prompt":"p","fields":{"id":"a"}}', 'prompt_0001', { id: 'a' }],
    ['{"prompt":"p","id":"a","fields":{"id":"b"}}', 'a', { id: 'b' }],
  ] as const) {
    test(`${item}: ${id}`, async () => {
      const { items } = await collectPrompts('p.jsonl', item);
      assert.deepEqual(
        items.map(({ prompt_id, fields: kept }) => [prompt_id, kept]),
        [[id, fields]],
      );
    });
  }

  for (const [item, problem] of [
    [
      '{"prompt":"p","id":"a","custom_id":"b"}',
      'has "custom_id" "b" and "id" "a": both are its id; keep one of them',
    ],
    [
      '{"prompt":"p","prompt_id":"","id":"b"}',
      '"prompt_id" must be a string of 1 to 256 characters, or a whole number, got ""',
    ],
    [
      '{"prompt":"p","prompt_id":"a","id":"b","fields":{"id":"c"}}',
      'has "id" both beside and in "fields": keep one',
    ],
    [
      '{"prompt":"p","id":{"a":1}}',
      '"id" must be a string of 1 to 256 characters, or a whole number, got an object',
    ],
    ['{"prompt":"p","id":""}', '"id" must be a string of 1 to 256 characters, or a whole number, got ""'],
  ] as const) {
    test(`${item}: a problem`, async () => {
      await assert.rejects(collectPrompts('p.jsonl', item), ({ message }: Error) =>
        message.includes(problem),
      );
    });
  }

  test('is "prompt_id" where another name, which repeats, is there too', async () => {
    const lines = ['a', 'b'].map((id) => JSON.stringify({ prompt: 'p', prompt_id: id, id: 'row 7' }));
    const { items } = await collectPrompts('p.jsonl', lines.join('\n'));
    assert.deepEqual(
      items.map(({ prompt_id, fields }) => [prompt_id, fields]),
      [
        ['a', { id: 'row 7' }],
        ['b', { id: 'row 7' }],
      ],
    );
  });

  test('given twice is told by the name it has', async () => {
    await assert.rejects(
      collectPrompts('p.jsonl', '{"prompt":"p","id":"a"}\n{"prompt":"q","id":"a"}'),
      /item 2 \(line 2\): "id" "a" is already used by item 1/,
    );
  });
});
