import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { readPromptFile } from '../../src/input/read-prompt-file.ts';
import { describeSystemError } from '../../src/input/read-text.ts';
import { failureOf, problemsOf, withFile } from './collect-prompts.ts';

const EMPTY = 'is empty: it must hold at least one prompt';
const BLANK = 'holds nothing but blank space: it must hold at least one prompt';
const NO_PROMPTS = 'the list of prompts is empty: it must hold at least one';
const CUT_OFF = 'the file seems cut off here: copy or export it again';
const SINGLE = 'a single prompt stands in a list: [{"prompt": "…"}]';
const UTF16 =
  "is UTF-16 text, as Windows PowerShell's Out-File and > write it: save it as UTF-8 (Out-File -Encoding utf8)";

const bad: { title: string; name?: string; content: string | Buffer; problems: string[] }[] = [
  { title: 'no bytes', content: '', problems: [EMPTY] },
  { title: 'no bytes, as JSON Lines', name: 'p.jsonl', content: '', problems: [EMPTY] },
  { title: 'a byte order mark only', content: '\ufeff', problems: [EMPTY] },
  { title: 'blank space', content: ' \r\n', problems: [BLANK] },
  { title: 'blank lines', name: 'p.jsonl', content: '\n \r\n', problems: [BLANK] },
  { title: 'an empty list', content: '[]', problems: [NO_PROMPTS] },
  { title: 'an empty list of a batch', content: '{"prompts":[]}', problems: [NO_PROMPTS] },
  {
    title: 'a number',
    content: '42',
    problems: ['must be a list of prompts or an object with "prompts", got 42'],
  },
  {
    title: 'null',
    content: 'null\n',
    problems: ['must be a list of prompts or an object with "prompts", got null'],
  },
  {
    title: 'a string',
    content: '"hello"',
    problems: ['must be a list of prompts or an object with "prompts", got "hello"'],
  },
  {
    title: 'a single prompt',
    content: '{"prompt_id":"a","prompt":"x"}',
    problems: [`an object must have "prompts", a list of prompts, got "prompt_id", "prompt"; ${SINGLE}`],
  },
  {
    title: 'an empty object',
    content: '{}',
    problems: [`an object must have "prompts", a list of prompts, got an empty object; ${SINGLE}`],
  },
  {
    title: 'prompts that are no list',
    content: '{"prompts":{"a":1}}',
    problems: ['"prompts" must be a list, got an object'],
  },
  {
    title: 'prompts twice',
    content: '{"prompts":["a"],"prompts":["b"]}',
    problems: ['"prompts" occurs twice in the object: keep one'],
  },
  {
    title: 'a name twice',
    content: '{"batch_name":"a","prompts":["a"],"batch_name":"b"}',
    problems: ['"batch_name" occurs twice in the object: keep one'],
  },
  {
    title: 'a key twice in an item',
    content: '[{"prompt":"a"},{"prompt":"a","max_tokens":5,"prompt":"b"}]',
    problems: ['item 2: "prompt" occurs twice in the object: keep one'],
  },
  {
    title: 'a key twice, once written with an escape',
    content: '["a",{"prompt":"a","t\\u006fpic":1,"topic":2}]',
    problems: ['item 2: "topic" occurs twice in the object: keep one'],
  },
  {
    title: 'a key twice in a nested object',
    content: '{"prompts":[{"prompt":"a","notes":{"deep":[{"b":"\\"b\\":","c":{"d":1,"d":1}}]}}]}',
    problems: ['item 1: "notes.deep[0].c.d" occurs twice in the object: keep one'],
  },
  {
    title: 'a key twice in a message',
    content: '[{"messages":[{"role":"system","content":"a","role":"user"}]}]',
    problems: ['item 1: "messages[0].role" occurs twice in the object: keep one'],
  },
  {
    title: 'a key twice in the metadata',
    content: '{"metadata":{"a":{"b":1,"b":2}},"prompts":["a"]}',
    problems: ['"metadata.a.b" occurs twice in the object: keep one'],
  },
  {
    title: 'a key twice in lines',
    name: 'p.jsonl',
    content: '{"prompt":"a"}\n{"prompt":"a","x":{"y":1,"y":2}}\n',
    problems: ['item 2 (line 2): "x.y" occurs twice in the object: keep one'],
  },
  {
    title: 'a bad head, beside bad prompts',
    content: '{"batch_name":" ","description":3,"metadata":[1],"prompts":[""]}',
    problems: [
      'item 1: "prompt" must be a non-empty string, got ""',
      '"batch_name" must be a string of 1 to 256 characters, got " "',
      '"description" must be a string, got 3',
      '"metadata" must be an object, got a list',
    ],
  },
  {
    title: 'a setting for the whole batch',
    content: '{"prompts":["a"],"max_tokens":5}',
    problems: ['"max_tokens" of the whole batch is not read from the file: give --max-tokens'],
  },
  {
    title: 'a field both beside and in the metadata',
    content: '{"prompts":["a"],"x":1,"metadata":{"x":2}}',
    problems: ['has "x" both beside and in "metadata": keep one'],
  },
  {
    title: 'metadata with half a character',
    content: '{"prompts":["a"],"metadata":{"x":["\\udc00"]}}',
    problems: [
      '"metadata.x[0]" holds \\udc00, half a character: it cannot be written as UTF-8, remove it or add its other half',
    ],
  },
  {
    title: 'a batch cut off in an item',
    content: '{\n"prompts":[\n"a",\n{"prompt":"b',
    problems: [`item 2: line 4: ${CUT_OFF}`],
  },
  {
    title: 'a list cut off between items',
    content: '["a",\n"b"',
    problems: [`after item 2: line 2: ${CUT_OFF}`],
  },
  {
    title: 'a list cut off in a word',
    content: '[{"prompt":"a","x":tru',
    problems: [`item 1: line 1: ${CUT_OFF}`],
  },
  {
    title: 'a list cut off in an escape',
    content: '[{"prompt":"a\\u00',
    problems: [`item 1: line 1: ${CUT_OFF}`],
  },
  {
    title: 'a list cut off in a number',
    content: '[{"prompt":"a","x":1.',
    problems: [`item 1: line 1: ${CUT_OFF}`],
  },
  { title: 'an object cut off', content: '{"batch_name":"a"', problems: [`line 1: ${CUT_OFF}`] },
  {
    title: 'a bad item before the cut',
    content: '["",{"prompt"',
    problems: ['item 1: "prompt" must be a non-empty string, got ""', `item 2: line 1: ${CUT_OFF}`],
  },
  {
    title: 'a last line cut off',
    name: 'p.jsonl',
    content: '"a"\n{"prompt":"b',
    problems: [`item 2 (line 2): ${CUT_OFF}`],
  },
  {
    title: 'a comma too many',
    content: '[\n  "a",\n]',
    problems: [
      'after item 1: line 3, column 1: not valid JSON: expected a value, got "]" (a comma too many before it?)',
    ],
  },
  {
    title: 'a comma too many in an object',
    content: '[{"prompt":"a",}]',
    problems: [
      'item 1: line 1, column 16: not valid JSON: expected an object key, got "}" (a comma too many before it?)',
    ],
  },
  {
    title: 'a missing comma',
    content: '["a"\n"b"]',
    problems: ['after item 1: line 2, column 1: not valid JSON: expected \',\', got "\\""'],
  },
  {
    title: 'single quotes',
    content: "[{'prompt':'a'}]",
    problems: [
      'item 1: line 1, column 3: not valid JSON: expected an object key, got "\'" (JSON takes double quotes)',
    ],
  },
  {
    title: 'a comment',
    content: '// prompts\n["a"]',
    problems: ['line 1, column 1: not valid JSON: expected a value, got "/" (JSON has no comments)'],
  },
  {
    title: 'NaN',
    content: '[{"prompt":"a","x":NaN}]',
    problems: [
      'item 1: line 1, column 20: not valid JSON: expected a value, got "NaN" (JSON has no such value)',
    ],
  },
  {
    title: 'a raw line break in a text',
    content: '["a\nb"]',
    problems: [
      'item 1: line 1, column 4: not valid JSON: a text has a raw line break or control character, got "\\n"',
    ],
  },
  {
    title: 'an unknown escape',
    content: '["C:\\dir"]',
    problems: ['item 1: line 1, column 5: not valid JSON: a text has an unknown escape, got "\\\\d"'],
  },
  {
    title: 'a second value',
    content: '["a"]\n["b"]',
    problems: [
      'line 2, column 1: not valid JSON: something follows the end of the value, got "[" (a file with one item a line is named .jsonl)',
    ],
  },
  {
    title: 'plain text',
    content: 'What is RLHF?\n',
    problems: [
      'line 1, column 1: not valid JSON: expected a value, got "What" (prompts are read from JSON or JSON Lines; CSV and plain text are not)',
    ],
  },
  {
    title: 'several bad lines, each told',
    name: 'p.jsonl',
    content: '{"prompt":"a",}\n\nnope\n{"prompt":\n"b"\n"c" "d"\n',
    problems: [
      'item 1 (line 1, column 15): not valid JSON: expected an object key, got "}" (a comma too many before it?)',
      'item 2 (line 3, column 1): not valid JSON: expected a value, got "nope"',
      'item 3 (line 4): the line ends in the middle of its item: an item must stand on one line',
      'item 5 (line 6, column 5): not valid JSON: something follows the end of the value, got "\\"" (a file with one item a line is named .jsonl)',
    ],
  },
  {
    title: 'a JSON list named .jsonl',
    name: 'p.jsonl',
    content: '[\n"a"\n]',
    problems: ['line 1: a list begins: name the file .json if it is one JSON list'],
  },
  {
    title: 'a batch on a line',
    name: 'p.jsonl',
    content: '{"batch_name":"b","prompts":["a"]}',
    problems: [
      'item 1 (line 1): must have "prompt" or "messages", got "batch_name", "prompts": a whole batch is a .json file of its own',
    ],
  },
  { title: 'UTF-16 with its mark', content: Buffer.from('\ufeff["a"]', 'utf16le'), problems: [UTF16] },
  { title: 'UTF-16 without a mark', content: Buffer.from('["a"]', 'utf16le'), problems: [UTF16] },
  { title: 'UTF-16, big-endian', content: Buffer.from('\ufeff["a"]', 'utf16le').swap16(), problems: [UTF16] },
  {
    title: 'Latin-1',
    content: Buffer.from('["a",\n"caf\xe9"]', 'latin1'),
    problems: ['line 2, byte 10: the byte 0xE9 is not UTF-8: save the file as UTF-8'],
  },
  {
    title: 'a bad item before a byte that is not UTF-8',
    content: Buffer.from('["", "\xff"]', 'latin1'),
    problems: [
      'item 1: "prompt" must be a non-empty string, got ""',
      'line 1, byte 6: the byte 0xFF is not UTF-8: save the file as UTF-8',
    ],
  },
  {
    title: 'a byte that is not UTF-8 after a byte order mark',
    content: Buffer.concat([Buffer.from('\ufeff["a", "'), Buffer.from([0xff])]),
    problems: ['line 1, byte 10: the byte 0xFF is not UTF-8: save the file as UTF-8'],
  },
  {
    title: 'a surrogate in UTF-8',
    content: Buffer.from('["\xed\xa0\x80"]', 'latin1'),
    problems: ['line 1, byte 2: the byte 0xED is not UTF-8: save the file as UTF-8'],
  },
  {
    title: 'an end in the middle of a character',
    content: Buffer.from('["caf\xc3', 'latin1'),
    problems: ['line 1, byte 5: ends in the middle of a character: the file seems cut off, or is not UTF-8'],
  },
  {
    title: 'an endless item',
    content: `["a", "${'x'.repeat(17_000_000)}`,
    problems: ['item 2 is longer than 16 million characters: is a quote or a bracket missing?'],
  },
  {
    title: 'an endless line',
    name: 'p.jsonl',
    content: `"a"\n"${'x'.repeat(17_000_000)}`,
    problems: ['line 2 is longer than 16 million characters: does the file have one item a line?'],
  },
  {
    title: 'a huge object without prompts',
    content: `{"items":["${'x'.repeat(17_000_000)}"]}`,
    problems: [
      'what stands beside "prompts" is longer than 16 million characters: is a quote or a bracket missing?',
    ],
  },
];

describe('as a prompts file is refused', () => {
  for (const { title, name = 'p.json', content, problems } of bad) {
    test(title, async () => {
      const expected = problems.map((problem) => `${name}: ${problem}`);
      assert.deepEqual(await problemsOf(name, content), expected);
    });
  }
});

describe('the place of a fault is right', () => {
  const line = `${JSON.stringify({ prompt: 'é'.repeat(300) })},\n`;

  test('far into a file', async () => {
    const [problem] = await problemsOf('p.json', `[\n${line.repeat(1000)}oops]`);
    assert.equal(
      problem,
      'p.json: after item 1000: line 1002, column 1: not valid JSON: expected a value, got "oops"',
    );
  });

  test('for a byte far into a file', async () => {
    const start = Buffer.from(`[\n${line.repeat(1000)}"`);
    const [problem] = await problemsOf(
      'p.json',
      Buffer.concat([start, Buffer.from([0xe2, 0x28]), Buffer.from('"]')]),
    );
    assert.equal(
      problem,
      `p.json: line 1002, byte ${start.length}: the byte 0xE2 is not UTF-8: save the file as UTF-8`,
    );
  });
});

describe('a file that cannot be opened', () => {
  const folderWith = async (names: string[], use: (folder: string) => Promise<void>) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'durabatch-input-'));
    try {
      for (const name of names) await writeFile(path.join(folder, name), '["a"]');
      await use(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  const messageFor = async (file: string) => (await failureOf(readPromptFile(file, () => undefined))).message;

  const missing = [
    {
      title: 'one letter off',
      neighbours: ['prompts.json', 'zebra.json'],
      wanted: 'promps.json',
      suggested: 'prompts.json',
    },
    {
      title: 'another extension',
      neighbours: ['my-long-name.jsonl'],
      wanted: 'my-long-name.json',
      suggested: 'my-long-name.jsonl',
    },
    {
      title: 'no extension',
      neighbours: ['my-long-name.json'],
      wanted: 'my-long-name',
      suggested: 'my-long-name.json',
    },
    {
      title: 'nothing like it',
      neighbours: ['zebra.json', 'promps.json.txt'],
      wanted: 'promps.json',
      suggested: null,
    },
  ];
  for (const { title, neighbours, wanted, suggested } of missing) {
    test(`missing, with ${title}`, () =>
      folderWith(neighbours, async (folder) => {
        const file = path.join(folder, wanted);
        const hint = suggested === null ? '' : `; did you mean ${path.join(folder, suggested)}?`;
        assert.equal(await messageFor(file), `${file}: there is no such file${hint}`);
      }));
  }

  test('missing with its folder', () =>
    folderWith([], async (folder) => {
      const file = path.join(folder, 'no', 'p.json');
      assert.equal(
        await messageFor(file),
        `${file}: there is no such file, and no folder ${path.dirname(file)}`,
      );
    }));

  test('a folder', () =>
    folderWith([], async (folder) => {
      const file = path.join(folder, 'p.json');
      await mkdir(file);
      assert.equal(await messageFor(file), `${file}: is a folder: name a file of prompts`);
    }));

  const noFiles: [string, (file: string) => Promise<unknown>][] = [
    ['a FIFO', async (file) => execFileSync('mkfifo', [file])],
    ['a device', (file) => symlink('/dev/zero', file)],
  ];
  for (const [kind, make] of noFiles) {
    test(`${kind}, which is not waited for`, { skip: process.platform === 'win32' }, () =>
      folderWith([], async (folder) => {
        const file = path.join(folder, 'p.json');
        await make(file);
        assert.equal(
          await messageFor(file),
          `${file}: is ${kind}, which may never give anything: name a file, or type it as cat "${file}" | … /dev/stdin`,
        );
      }),
    );
  }

  test('a name no system can have', async () => {
    assert.match(await messageFor('a\0b'), /: cannot be read: /);
  });

  for (const code of ['EACCES', 'EPERM']) {
    test(`${code} is told as missing permission`, () => {
      const error = Object.assign(new Error('operation failed'), { code });
      assert.equal(describeSystemError(error), `cannot be read: permission denied (${code})`);
    });
  }

  test('is named as the user gave it', () =>
    withFile('p.json', '[""]', async (file) => {
      const given = path.relative(process.cwd(), file);
      assert.equal(await messageFor(given), `${given}: item 1: "prompt" must be a non-empty string, got ""`);
    }));
});
