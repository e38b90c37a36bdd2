import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { PromptItem } from '../../src/core/prompt.ts';
import { collectPrompts } from './collect-prompts.ts';

const text = fc
  .string({ unit: 'binary' })
  .filter((value) => value.trim() !== '' && !/\p{Surrogate}/u.test(value));
const anyText = fc.string({ unit: 'binary' }).filter((value) => !/\p{Surrogate}/u.test(value));
const label = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((value) => value.trim() !== '' && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value));

const known = [
  'prompt_id',
  'prompt',
  'messages',
  'model',
  'temperature',
  'top_p',
  'max_tokens',
  'completions',
  'extra_body',
  'fields',
];
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const fields = fc.dictionary(anyText, json, { minKeys: 1, maxKeys: 4, noNullPrototype: true });

const sampling = fc.record(
  {
    model: label,
    temperature: fc.double({ min: 0, max: 2, noNaN: true }).map((value) => value + 0),
    top_p: fc.double({ min: 0, minExcluded: true, max: 1, noNaN: true }),
    max_tokens: fc.integer({ min: 1 }),
    completions: fc.integer({ min: 1 }),
    extra_body: fc.dictionary(fc.constantFrom('stop', 'seed', 'top_k', '__proto__'), json, {
      minKeys: 1,
      noNullPrototype: true,
    }),
    fields,
  },
  { requiredKeys: [] },
);
const message = fc.oneof(
  fc.record({ role: fc.constantFrom('system' as const, 'assistant' as const), content: anyText }),
  fc.record({ role: fc.constant('user' as const), content: text }),
);
const messages = fc
  .tuple(fc.array(message, { maxLength: 3 }), text)
  .map(([list, content]) => [...list, { role: 'user' as const, content }]);
const content = fc.oneof(fc.record({ prompt: text }), fc.record({ messages }));

const items = fc
  .uniqueArray(fc.tuple(label, content, sampling), { minLength: 1, maxLength: 12, selector: ([id]) => id })
  .map((list) => list.map(([prompt_id, own, settings]): PromptItem => ({ prompt_id, ...own, ...settings })));

/** As a user writes an item: unknown fields beside the known ones, where their names allow it. */
const spread = ({ fields: extra, ...item }: PromptItem): unknown => {
  const isFree = Object.keys(extra ?? {}).every((name) => !known.includes(name));
  return isFree ? { ...extra, ...item } : { ...item, fields: extra };
};

const formats = [
  { title: 'items', name: 'p.json', write: (list: unknown[]) => JSON.stringify(list) },
  {
    title: 'items, indented, with CRLF and a byte order mark',
    name: 'p.json',
    write: (list: unknown[]) => `\ufeff${JSON.stringify(list, null, 2).replaceAll('\n', '\r\n')}`,
  },
  {
    title: 'a batch',
    name: 'p.json',
    write: (list: unknown[]) => JSON.stringify({ prompts: list, batch_name: 'b' }),
  },
  {
    title: 'JSON Lines',
    name: 'p.jsonl',
    write: (list: unknown[]) => list.map((item) => JSON.stringify(item)).join('\n'),
  },
];

describe('any list of valid prompts survives as', () => {
  for (const { title, name, write } of formats) {
    test(title, () =>
      fc.assert(
        fc.asyncProperty(items, fc.boolean(), async (list, beside) => {
          const written = write(beside ? list.map(spread) : list);
          const { items: read } = await collectPrompts(name, written);
          assert.equal(JSON.stringify(read.map(sorted)), JSON.stringify(list.map(sorted)));
        }),
        { numRuns: 60 },
      ),
    );
  }

  test('strings', () =>
    fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 20 }), async (list) => {
        const { source, items: read } = await collectPrompts('p.json', JSON.stringify(list));
        assert.equal(source.format, 'strings');
        assert.deepEqual(
          read.map((item) => item.prompt),
          list,
        );
      }),
      { numRuns: 60 },
    ));
});

/** Compared as text, so that `__proto__` fields count; by name, since order is not part of it. */
function sorted(item: PromptItem): [string, unknown][] {
  return Object.entries(item)
    .map(([name, value]): [string, unknown] => [
      name,
      name === 'fields' ? Object.entries(value as object).sort(byName) : value,
    ])
    .sort(byName);
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
