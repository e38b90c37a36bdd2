import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestHome, testEnv } from '../support/temporal-server.ts';
import type { CliResult } from '../support/cli.ts';
import { createWorkplace, type Workplace } from './workplace.ts';

let home: string;
let env: NodeJS.ProcessEnv;
before(async () => {
  home = await createTestHome();
  env = await testEnv(home);
});
after(() => rm(home, { recursive: true, force: true }));

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Exit 2 with the message, and nothing else has happened: no batch, no server, no request, no stack. */
async function assertRefused(
  place: Workplace,
  { code, stdout, stderr }: CliResult,
  messages: RegExp[],
): Promise<void> {
  assert.equal(code, 2, stdout + stderr);
  for (const message of messages) assert.match(stderr, message);
  assert.doesNotMatch(stderr, /^ +at /m);
  assert.equal(place.provider.requests, 0);
  assert.equal(await exists(join(home, 'server.json')), false, 'no server was started');
  if (!(await exists(place.outputDir)) || (await stat(place.outputDir)).isFile()) return;
  const left = (await readdir(place.outputDir)).filter((name) => name !== '.durabatch-store');
  assert.deepEqual(left, []);
}

describe('a bad prompts file is refused with its name, the item and the field', () => {
  const files: [string, string, unknown, RegExp[]][] = [
    [
      'an empty prompt',
      'p.json',
      [{ prompt_id: 'a', prompt: '' }],
      [/p\.json: item 1: "prompt" must be a non-empty string, got ""/],
    ],
    [
      'a prompt of blank space',
      'p.json',
      ['fine', ' \n\t'],
      [/p\.json: item 2: "prompt" must be a non-empty string/],
    ],
    [
      'a prompt that is null',
      'p.json',
      [{ prompt: null }],
      [/p\.json: item 1: "prompt" must be a non-empty string, got null/],
    ],
    [
      'neither prompt nor messages',
      'p.json',
      [{ prompt_id: 'a' }],
      [/item 1: must have "prompt" or "messages"/],
    ],
    [
      'both prompt and messages',
      'p.json',
      [{ prompt: 'x', messages: [{ role: 'user', content: 'y' }] }],
      [/item 1: has both "prompt" and "messages"/],
    ],
    [
      'an unknown role',
      'p.json',
      [{ messages: [{ role: 'robot', content: 'y' }] }],
      [/item 1: "messages\[0\]\.role" must be one of "system", "user", "assistant", got "robot"/],
    ],
    [
      'no user message',
      'p.json',
      [{ messages: [{ role: 'system', content: 'y' }] }],
      [/item 1: "messages" must be/],
    ],
    [
      'a duplicate id',
      'p.json',
      [
        { prompt_id: 'a', prompt: 'x' },
        { prompt_id: 'a', prompt: 'y' },
      ],
      [/item 2: "?prompt_id"? .*"a"/],
    ],
    [
      'an id of 257 characters',
      'p.json',
      [{ prompt_id: 'x'.repeat(257), prompt: 'x' }],
      [/item 1: "prompt_id" must be a string of 1 to 256 characters/],
    ],
    [
      'a temperature of 2.1',
      'p.json',
      [{ prompt: 'x', temperature: 2.1 }],
      [/item 1: "temperature" must be a number from 0 to 2, got 2\.1/],
    ],
    [
      'a top_p of 0',
      'p.json',
      [{ prompt: 'x', top_p: 0 }],
      [/item 1: "top_p" must be a number above 0, up to 1, got 0/],
    ],
    [
      'a max_tokens of 1.5',
      'p.json',
      [{ prompt: 'x', max_tokens: 1.5 }],
      [/item 1: "max_tokens" must be a whole number, at least 1, got 1\.5/],
    ],
    [
      'completions of 0',
      'p.json',
      [{ prompt: 'x', completions: 0 }],
      [/item 1: "completions" must be a whole number, at least 1, got 0/],
    ],
    ['an empty model', 'p.json', [{ prompt: 'x', model: '' }], [/item 1: "model" must be/]],
    [
      'an item that is a number',
      'p.json',
      ['x', 7],
      [/item 2: must be an object with "prompt", or a string, got 7/],
    ],
    [
      'several problems at once',
      'p.json',
      [{ prompt: '' }, { prompt: 'x', temperature: 'hot' }],
      [/item 1: "prompt"/, /item 2: "temperature" .*got "hot"/],
    ],
    [
      'more than 20 problems',
      'p.json',
      Array.from({ length: 25 }, () => ''),
      [/item 20: /, /… and 5 more problems/],
    ],
    ['an empty list', 'p.json', [], [/p\.json: the list of prompts is empty/]],
    [
      'an empty list of a batch',
      'p.json',
      { batch_name: 'b', prompts: [] },
      [/p\.json: the list of prompts is empty/],
    ],
    ['a single object without prompts', 'p.json', { prompt_id: 'a', prompt: 'x' }, [/p\.json: .*"prompts"/]],
    ['prompts that are no list', 'p.json', { prompts: 'x' }, [/p\.json: "prompts" must be a list, got "x"/]],
    [
      'a scalar',
      'p.json',
      '"just a text"',
      [/p\.json: must be a list of prompts or an object with "prompts", got "just a text"/],
    ],
    ['a file of 0 bytes', 'p.json', '', [/p\.json: is empty/]],
    ['truncated JSON', 'p.json', '[{"prompt": "x"}, {"pro', [/p\.json: .*cut off/]],
    ['a missing comma', 'p.json', '["x" "y"]', [/p\.json: .*line 1, column 6/]],
    ['not UTF-8', 'p.json', Buffer.from([0x5b, 0x22, 0xe4, 0x22, 0x5d]), [/p\.json: .*UTF-8/]],
    ['UTF-16', 'p.json', Buffer.from('\ufeff["x"]', 'utf16le'), [/p\.json: .*UTF-16/]],
    [
      'a broken line of JSON Lines',
      'p.jsonl',
      '{"prompt": "x"}\n{"prompt": \n"y"\n',
      [/p\.jsonl: item 2 \(line 2/],
    ],
    [
      'a bad item of JSON Lines',
      'p.jsonl',
      '{"prompt": "x"}\n\n{"prompt": ""}\n',
      [/p\.jsonl: item 2 \(line 3\): "prompt" must be a non-empty string/],
    ],
    ['an empty file of JSON Lines', 'p.jsonl', '', [/p\.jsonl: is empty/]],
  ];
  for (const [title, name, content, messages] of files) {
    test(title, async (t) => {
      const place = await createWorkplace(t, { env });
      await place.write(name, content);
      await assertRefused(place, await place.run(name), messages);
    });
  }

  test('a missing file, with the name that was meant', async (t) => {
    const place = await createWorkplace(t, { env });
    await place.write('prompts.json', ['x']);
    await assertRefused(place, await place.run('promts.json'), [
      /promts\.json: there is no such file; did you mean .*prompts\.json/,
    ]);
  });

  test('a folder', async (t) => {
    const place = await createWorkplace(t, { env });
    await mkdir(join(place.folder, 'prompts'));
    await assertRefused(place, await place.run('prompts'), [/prompts: is a folder/]);
  });
});

describe('bad flags are refused by name', () => {
  const flags: [string[], RegExp[]][] = [
    [['--max-workers', '0'], [/--max-workers: must be a whole number from 1 to 5000, or "auto".*, got "0"/]],
    [['--max-workers', '5001'], [/--max-workers: .*got "5001"/]],
    [['--max-workers', 'many'], [/--max-workers: .*got "many"/]],
    [
      ['--temperature', '2.5', '--top-p', '0'],
      [/--temperature: must be a number from 0 to 2, got "2\.5"/, /--top-p: /],
    ],
    [['--max-tokens', '0'], [/--max-tokens: must be a whole number of at least 1/]],
    [['--completions', '-1'], [/--completions: must be a whole number of at least 1/]],
    [['--max-attempts', '1.5'], [/--max-attempts: /]],
    [['--request-timeout', 'soon'], [/--request-timeout: must be a duration/]],
    [['--patience', '-2s'], [/--patience: must be a duration/]],
    [['--base-url', 'ftp://x'], [/--base-url: must start with http/]],
    [['--base-url', 'http://me:secret@localhost'], [/--base-url: must not hold a user name or password/]],
    [
      ['--provider', 'oracle'],
      [/--provider: must be one of deepseek, openai, openai-compatible, simulated, got "oracle"/],
    ],
    [['--api-key-env', 'sk-not-a-name'], [/--api-key-env: must be the name of an environment variable/]],
    [['--simulate-latency', '1s'], [/--simulate-latency: works only with --provider simulated/]],
    [['--output-dir', ''], [/--output-dir: must be a text that is not empty/]],
    [['--id', ''], [/--id: must be 1 to 64/]],
    [['--id', '../up'], [/--id: must be 1 to 64/]],
    [['--id', '.hidden'], [/--id: must be 1 to 64/]],
    [['--id', 'x'.repeat(65)], [/--id: must be 1 to 64/]],
    [['--id', 'dot.'], [/--id: must not end with a dot/]],
    [['--id', 'Con'], [/--id: must not be a name that Windows keeps/]],
    [['--id', 'lpt1.txt'], [/--id: must not be a name that Windows keeps/]],
    [['--max-worker', '3'], [/unknown flag --max-worker; did you mean --max-workers/]],
  ];
  for (const [args, messages] of flags) {
    test(args.map((arg) => (arg.length > 40 ? `${arg.slice(0, 40)}…` : arg || "''")).join(' '), async (t) => {
      const place = await createWorkplace(t, { env });
      await place.write('p.json', ['x']);
      const refused = await place.run('p.json', args);
      await assertRefused(place, refused, messages);
      assert.doesNotMatch(refused.stderr, /secret|sk-not/);
    });
  }

  test('openai-compatible without an address', async (t) => {
    const place = await createWorkplace(t, { env });
    await place.write('p.json', ['x']);
    const refused = await place.cli(['run', 'p.json', '--provider', 'openai-compatible', '--model', 'm']);
    await assertRefused(place, refused, [/--base-url: is needed with --provider openai-compatible/]);
  });
});

test('without an API key: the variable and a way to try without one are named', async (t) => {
  const place = await createWorkplace(t, { env });
  await place.write('p.json', ['x']);
  const refused = await place.cli(['run', 'p.json', '--output-dir', 'out'], { env });
  await assertRefused(place, refused, [/DEEPSEEK_API_KEY/, /--provider simulated/]);
});

test('an error with --json is a JSON line too', async (t) => {
  const place = await createWorkplace(t, { env });
  await place.write('p.json', ['']);
  const refused = await place.run('p.json', ['--json']);
  await assertRefused(place, refused, [/item 1/]);
  const error = refused.lines.at(-1)!;
  assert.deepEqual([error['type'], error['exit_code']], ['error', 2]);
  assert.match(error['message'], /item 1/);
});

for (const command of ['status', 'watch', 'resume', 'cancel', 'report']) {
  test(`${command} of an id nobody knows`, async (t) => {
    const place = await createWorkplace(t, { env });
    await assertRefused(place, await place.cli([command, 'nobody']), [
      /there is no batch "nobody"/,
      /durabatch list/,
    ]);
  });
}

describe('an output folder that cannot take the batch', () => {
  test('a file in its place', async (t) => {
    const place = await createWorkplace(t, { env });
    await place.write('p.json', ['x']);
    await place.write('out', 'not a folder');
    await assertRefused(place, await place.run('p.json'), [
      /cannot write to the output folder .*out/,
      /--output-dir/,
    ]);
  });

  test('a folder below a file', async (t) => {
    const place = await createWorkplace(t, { env });
    await place.write('p.json', ['x']);
    await place.write('plain', 'not a folder');
    const refused = await place.run('p.json', ['--output-dir', 'plain/out']);
    await assertRefused(place, refused, [/cannot write to the output folder .*out/]);
  });

  test('a full disk', async (t) => {
    const place = await createWorkplace(t, { env });
    const disk = mountTinyDisk();
    if (disk === null) return t.skip('a small disk cannot be mounted here');
    t.after(() => unmount(disk));
    await place.write('p.json', ['x'.repeat(100_000)]);
    const refused = await place.run('p.json', ['--output-dir', join(disk, 'out')]);
    await assertRefused(place, refused, [
      /cannot write to the output folder .*out/,
      /ENOSPC|no space left/,
      /--output-dir/,
    ]);
    assert.ok(!(await readdir(disk)).includes('out'), 'what the command made is gone again');
  });
});

/** A file system of 32 KB, or `null` where nobody may mount one. */
function mountTinyDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'durabatch-test-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmdirSync(folder);
    return null;
  }
}

function unmount(folder: string): void {
  execFileSync('umount', [folder]);
  rmdirSync(folder);
}
