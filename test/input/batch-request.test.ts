import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { collectPrompts, problemsOf } from './collect-prompts.ts';

const user = { role: 'user', content: 'Why?' };
const request = (body: object, more: object = {}) => ({
  custom_id: 'a',
  method: 'POST',
  url: '/v1/chat/completions',
  body: { messages: [user], ...body },
  ...more,
});

const read = [
  {
    title: 'the bare minimum, as Mistral writes it',
    request: { custom_id: 'a', body: { messages: [user] } },
    item: { prompt_id: 'a', messages: [user] },
  },
  {
    title: 'what a prompt can set for itself',
    request: request({ model: 'm', temperature: 0, top_p: 0.5, max_tokens: 9, n: 3 }),
    item: {
      prompt_id: 'a',
      messages: [user],
      model: 'm',
      temperature: 0,
      top_p: 0.5,
      max_tokens: 9,
      completions: 3,
    },
  },
  {
    title: 'the newer name of the token limit',
    request: request({ max_completion_tokens: 9 }),
    item: { prompt_id: 'a', messages: [user], max_tokens: 9 },
  },
  {
    title: 'further parameters, kept as they are',
    request: request({ stop: ['x'], seed: 1, response_format: { type: 'json_object' }, user: null }),
    item: {
      prompt_id: 'a',
      messages: [user],
      extra_body: { stop: ['x'], seed: 1, response_format: { type: 'json_object' }, user: null },
    },
  },
  {
    title: 'null as nothing, and what asks for nothing special',
    request: request({
      model: null,
      temperature: null,
      n: null,
      stream: false,
      tools: null,
      service_tier: 'flex',
    }),
    item: { prompt_id: 'a', messages: [user], extra_body: { tools: null, service_tier: 'flex' } },
  },
  {
    title: 'content in parts, joined by line breaks',
    request: request({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'One' },
            { type: 'text', text: 'Two' },
          ],
        },
      ],
    }),
    item: { prompt_id: 'a', messages: [{ role: 'user', content: 'One\nTwo' }] },
  },
  {
    title: 'the role developer, as system',
    request: request({ messages: [{ role: 'developer', content: 'Be brief.' }, user] }),
    item: { prompt_id: 'a', messages: [{ role: 'system', content: 'Be brief.' }, user] },
  },
  {
    title: 'a whole address, a numeric custom_id, and fields of its own',
    request: request(
      {},
      { custom_id: 17, url: 'https://api.example.org/v1/chat/completions', topic: 'x', fields: { y: 1 } },
    ),
    item: { prompt_id: '17', messages: [user], fields: { topic: 'x', y: 1 } },
  },
];

describe('an OpenAI batch request is read:', () => {
  for (const { title, request: line, item } of read) {
    test(title, async () => {
      for (const name of ['p.jsonl', 'p.json']) {
        const content = name === 'p.json' ? JSON.stringify([line]) : JSON.stringify(line);
        assert.deepEqual((await collectPrompts(name, content)).items, [item]);
      }
    });
  }

  test('a prompt of our own form may have fields called custom_id and body', async () => {
    const { items } = await collectPrompts('p.jsonl', '{"prompt":"p","custom_id":"a","body":1}');
    assert.deepEqual(items, [{ prompt_id: 'a', prompt: 'p', fields: { body: 1 } }]);
  });

  for (const [title, ids, kept] of [
    ['id', '"id":"a"', undefined],
    ['prompt_id', '"prompt_id":"a"', undefined],
    ['all three, which say the same', '"id":"a","custom_id":"a","prompt_id":"a"', undefined],
    ['a custom_id, and an id that is null', '"custom_id":"a","id":null', { id: null }],
    ['a custom_id, and a prompt_id that differs', '"prompt_id":"b","custom_id":"a"', { prompt_id: 'b' }],
    ['a custom_id, and an id that is none', '"id":{"x":1},"custom_id":"a"', { id: { x: 1 } }],
  ] as const) {
    test(`its id is ${title}`, async () => {
      const body = '"body":{"messages":[{"role":"user","content":"Hi"}]}';
      const { items } = await collectPrompts('p.jsonl', `{${ids},${body}}`);
      assert.deepEqual(
        items.map(({ prompt_id, fields }) => [prompt_id, fields]),
        [['a', kept]],
      );
    });
  }
});

const MESSAGES = '"body.messages" must be a non-empty list of {"role", "content"} with a user message, got';
const TOOL = 'a model that calls a tool answers without a text, which is paid for and then a failure';
const DEARER =
  'it costs more than usual, which estimates do not count, and has no known price for many models';
const CHAT =
  '"url" must be the address of chat completions, "/v1/chat/completions": other requests cannot be run, got';

const refused: { title: string; request: object; problems: string[] }[] = [
  {
    title: 'a stream, tools, sound and log probabilities',
    request: request({ stream: true, tools: [], function_call: 'auto', audio: {}, logprobs: true }),
    problems: [
      '"body.stream" cannot be used: answers are read whole, never streamed: leave it out',
      `"body.tools" cannot be used: ${TOOL}`,
      `"body.function_call" cannot be used: ${TOOL}`,
      '"body.audio" cannot be used: only answers in text can be kept',
      '"body.logprobs" cannot be used: the results keep no log probabilities, so they would be asked for in vain',
    ],
  },
  {
    title: 'what the bill would get wrong',
    request: request({ service_tier: 'priority', web_search_options: {} }),
    problems: [
      `"body.service_tier" cannot be used: ${DEARER}`,
      '"body.web_search_options" cannot be used: searches are billed beside the tokens, unseen',
    ],
  },
  ...['Priority', ' PRIORITY', 'fast'].map((tier) => ({
    title: `the service tier ${JSON.stringify(tier)}`,
    request: request({ service_tier: tier }),
    problems: [`"body.service_tier" cannot be used: ${DEARER}`],
  })),
  {
    title: 'embeddings',
    request: request({}, { url: '/v1/embeddings' }),
    problems: [`${CHAT} "/v1/embeddings"`],
  },
  {
    title: 'responses',
    request: request({}, { url: '/v1/responses' }),
    problems: [`${CHAT} "/v1/responses"`],
  },
  {
    title: 'an address that only ends like it',
    request: request({}, { url: '/v1/nochat/completions' }),
    problems: [`${CHAT} "/v1/nochat/completions"`],
  },
  {
    title: 'another method',
    request: request({}, { method: 'GET' }),
    problems: ['"method" must be "POST", got "GET"'],
  },
  {
    title: 'no messages',
    request: { custom_id: 'a', body: { input: 'x' } },
    problems: [`${MESSAGES} nothing`],
  },
  {
    title: 'a body that is no object',
    request: { custom_id: 'a', body: 'x' },
    problems: ['"body" must be an object, got "x"'],
  },
  {
    title: 'roles and parts that are unknown',
    request: request({
      messages: [
        { role: 'tool', content: 'x', tool_call_id: 'y' },
        { role: 'user', content: [{ type: 'image_url' }, { type: 'text' }, 'x'] },
        { role: 'user', content: [] },
        { role: 'user' },
      ],
    }),
    problems: [
      '"body.messages[0].role" must be one of "system", "developer", "user", "assistant", got "tool"',
      '"body.messages[0]" has the unknown field "tool_call_id"',
      '"body.messages[1].content[0].type" must be "text", the only kind of part that can be sent, got "image_url"',
      '"body.messages[1].content[1].text" must be a string, got nothing',
      '"body.messages[1].content[2]" must be {"type": "text", "text"}, got "x"',
      '"body.messages[2].content" must be a string or a list of text parts, got an empty list',
      '"body.messages[3].content" must be a string or a list of text parts, got nothing',
    ],
  },
  {
    title: 'a user message without text',
    request: request({ messages: [{ role: 'user', content: [{ type: 'text', text: ' ' }] }] }),
    problems: ['"body.messages[0].content" must be a non-empty string in a user message, got a list'],
  },
  {
    title: 'numbers out of range',
    request: request({ temperature: 3, n: 0 }),
    problems: [
      '"body.temperature" must be a number from 0 to 2, got 3',
      '"body.n" must be a whole number, at least 1, got 0',
    ],
  },
  {
    title: 'two token limits',
    request: request({ max_tokens: 1, max_completion_tokens: 1 }),
    problems: ['has "body.max_tokens" and "body.max_completion_tokens": keep one of them'],
  },
  {
    title: 'a custom_id that is used',
    request: request({}, { custom_id: 'first' }),
    problems: ['"custom_id" "first" is already used by item 1'],
  },
  {
    title: 'no custom_id',
    request: { body: { messages: [user] } },
    problems: ['"custom_id" must be a string of 1 to 256 characters, or a whole number, got nothing'],
  },
  {
    title: 'two other ids that differ',
    request: { prompt_id: 'one', id: 'two', body: { messages: [user] } },
    problems: ['has "prompt_id" "one" and "id" "two": both are its id; keep one of them'],
  },
  { title: 'no body', request: { custom_id: 'a' }, problems: ['"body" must be an object, got nothing'] },
  {
    title: 'a prompt of our own form among them',
    request: { prompt: 'p' },
    problems: [
      'is no OpenAI batch request ("custom_id" and "body"), unlike item 1: a file has prompts of one form',
    ],
  },
];

describe('as an OpenAI batch request is refused:', () => {
  const first = JSON.stringify(request({}, { custom_id: 'first' }));
  for (const { title, request: line, problems } of refused) {
    test(title, async () => {
      const second = JSON.stringify(line);
      assert.deepEqual(
        await problemsOf('p.jsonl', `${first}\n\n${second}\n`),
        problems.map((problem) => `p.jsonl: item 2 (line 3): ${problem}`),
      );
      assert.deepEqual(
        await problemsOf('p.json', `[${first},${second}]`),
        problems.map((problem) => `p.json: item 2: ${problem}`),
      );
    });
  }

  test('among prompts of our own form', async () => {
    assert.deepEqual(await problemsOf('p.jsonl', `"own"\n${first}`), [
      'p.jsonl: item 2 (line 2): is an OpenAI batch request ("custom_id" and "body"), unlike item 1: a file has prompts of one form',
    ]);
  });

  test('as the first item without custom_id', async () => {
    assert.deepEqual(await problemsOf('p.jsonl', '{"url":"/v1/chat/completions","body":{}}'), [
      'p.jsonl: item 1 (line 1): must have "prompt" or "messages", got "url", "body": an OpenAI batch request has "custom_id" and "body"',
    ]);
  });
});

describe('extra_body of our own form', () => {
  test('is kept as it is, `stream: false` and nothing else left out', async () => {
    const { items } = await collectPrompts(
      'p.jsonl',
      '{"prompt":"p","extra_body":{"stop":"x","stream":false,"__proto__":1}}\n{"prompt":"q","extra_body":{}}',
    );
    assert.equal(JSON.stringify(items[0]?.extra_body), '{"stop":"x","__proto__":1}');
    assert.deepEqual(items[1], { prompt_id: 'prompt_0002', prompt: 'q' });
  });

  test('is refused where it is no object, cannot work, or says what stands beside it', async () => {
    const item = (extra: object | string) => JSON.stringify({ prompt: 'p', extra_body: extra });
    const content = `${item('x')}\n${item({ tools: [{}], n: 2, messages: [], max_completion_tokens: 5 })}`;
    assert.deepEqual(await problemsOf('p.jsonl', content), [
      'p.jsonl: item 1 (line 1): "extra_body" must be an object, got "x"',
      `p.jsonl: item 2 (line 2): "extra_body.tools" cannot be used: ${TOOL}`,
      'p.jsonl: item 2 (line 2): "extra_body.n" must stand beside "extra_body", as "completions"',
      'p.jsonl: item 2 (line 2): "extra_body.messages" must stand beside "extra_body", as "messages"',
      'p.jsonl: item 2 (line 2): "extra_body.max_completion_tokens" must stand beside "extra_body", as "max_tokens"',
    ]);
  });

  test('of the whole batch is not read', async () => {
    assert.deepEqual(await problemsOf('p.json', '{"prompts":["a"],"extra_body":{}}'), [
      'p.json: "extra_body" of the whole batch is not read from the file: give it to each prompt',
    ]);
  });
});
