import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PromptItem } from '../../src/core/prompt.ts';
import { readPromptList } from '../../src/input/read-prompt-list.ts';
import { failureOf } from './collect-prompts.ts';

const collect = async (list: readonly unknown[]) => {
  const items: PromptItem[] = [];
  const source = await readPromptList(list, (item) => void items.push(item));
  return { source, items };
};

test('reads items, and leaves out what is undefined', async () => {
  const when = new Date(0);
  assert.deepEqual(await collect([{ prompt_id: 'a', prompt: 'x', model: undefined, when }, 'y']), {
    source: { format: 'items', prompts: 2 },
    items: [
      { prompt_id: 'a', prompt: 'x', fields: { when: '1970-01-01T00:00:00.000Z' } },
      { prompt_id: 'prompt_0002', prompt: 'y' },
    ],
  });
});

test('reads strings', async () => {
  assert.deepEqual((await collect(['x'])).source, { format: 'strings', prompts: 1 });
});

test("does not share the caller's objects", async () => {
  const given = { prompt: 'x', tags: ['a'] };
  const { items } = await collect([given]);
  given.tags.push('b');
  assert.deepEqual(items[0]?.fields, { tags: ['a'] });
});

test('an iterable is asked for its next prompt when the one before was taken', async () => {
  const log: string[] = [];
  async function* prompts() {
    for (const prompt of ['x', 'y']) {
      log.push(`made ${prompt}`);
      yield prompt;
    }
  }
  await readPromptList(prompts(), async ({ prompt }) => {
    await Promise.resolve();
    log.push(`took ${prompt}`);
  });
  assert.deepEqual(log, ['made x', 'took x', 'made y', 'took y']);
});

test('promises in a list are awaited, and one that rejects closes the iterable', async () => {
  let stopped = false;
  function* prompts() {
    try {
      yield Promise.resolve('x');
      yield Promise.reject(new Error('no row'));
    } finally {
      stopped = true;
    }
  }
  const taken: string[] = [];
  await assert.rejects(
    readPromptList(prompts(), ({ prompt }) => void taken.push(prompt!)),
    /no row/,
  );
  assert.deepEqual([taken, stopped], [['x'], true]);
});

test('an abort is heard while a prompt is awaited: the iterable is closed, and its errors are dropped', async () => {
  const stop = new AbortController();
  const calls: string[] = [];
  const list: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        calls.push('next');
        setImmediate(() => stop.abort(new Error('enough')));
        return new Promise(() => {});
      },
      return: async () => {
        calls.push('return');
        throw new Error('cannot close');
      },
    }),
  };
  await assert.rejects(
    readPromptList(list, () => assert.fail(), stop.signal),
    (error) => error === stop.signal.reason,
  );
  assert.deepEqual(calls, ['next', 'return']);
});

test('an iterable is told to stop where a prompt cannot be taken', async () => {
  let stopped = false;
  function* prompts() {
    try {
      for (;;) yield 'x';
    } finally {
      stopped = true;
    }
  }
  const full = new Error('disk full');
  await assert.rejects(
    readPromptList(prompts(), () => Promise.reject(full)),
    full,
  );
  assert.equal(stopped, true);
});

const circle: Record<string, unknown> = { prompt: 'x' };
circle['self'] = circle;

const bad = [
  { title: 'no list', list: { prompt: 'x' }, problem: 'must be a list or another iterable, got an object' },
  { title: 'a text', list: 'one prompt', problem: 'must be a list or another iterable, got "one prompt"' },
  { title: 'an empty list', list: [], problem: 'the list of prompts is empty: it must hold at least one' },
  {
    title: 'undefined',
    list: [undefined],
    problem: 'item 1: must be an object with "prompt", or a string, got nothing',
  },
  { title: 'a function', list: [() => 'x'], problem: 'item 1: is a function, which JSON cannot hold' },
  {
    title: 'a bigint',
    list: [{ prompt: 'x', n: 1n }],
    problem: 'item 1: "n" is a bigint, which JSON cannot hold',
  },
  {
    title: 'NaN',
    list: [{ prompt: 'x', temperature: NaN }],
    problem: 'item 1: "temperature" is NaN, which JSON cannot hold',
  },
  {
    title: 'a Map',
    list: [{ prompt: 'x', m: { n: new Map() } }],
    problem: 'item 1: "m.n" is a Map, which JSON cannot hold',
  },
  { title: 'a circle', list: [circle], problem: 'item 1: "self" is nested deeper than 100 levels' },
  {
    title: 'half a character',
    list: ['\ud83d'],
    problem:
      'item 1: holds \\ud83d, half a character: it cannot be written as UTF-8, remove it or add its other half',
  },
  {
    title: 'a duplicate id',
    list: [
      { prompt_id: 1, prompt: 'x' },
      { prompt_id: 1, prompt: 'y' },
    ],
    problem: 'item 2: "prompt_id" "1" is already used by item 1',
  },
];

describe('refuses', () => {
  for (const { title, list, problem } of bad) {
    test(title, async () => {
      const error = await failureOf(readPromptList(list, () => undefined));
      assert.equal(error.message, `prompts: ${problem}`);
    });
  }
});
