import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgram } from '../../../src/client/program.ts';
import { answerShell } from '../../../src/client/command-line/answer-shell.ts';
import type { Shell } from '../../../src/client/command-line/completion-script.ts';

const ids = ['poems-1', 'poems-2', 'jokes-1'];

/** What the shell is offered behind `durabatch`, without descriptions. */
async function offered(words: string[], shell: Shell = 'zsh'): Promise<string[]> {
  const answer = await answerShell({
    program: createProgram(),
    asked: [shell, '--', ...words],
    batchIds: async () => ids,
    env: { OPENAI_API_KEY: 'x', MY_KEY: 'x', HOME: 'x' },
  });
  return answer.split('\n').map((line) => line.split('\t')[0]!);
}

const cases: [words: string[], offer: string[]][] = [
  [['re'], ['resume', 'retry', 'report', ':none']],
  [
    ['help', 'stat'],
    ['status', ':none'],
  ],
  [['run', ''], [':files']],
  [
    ['run', 'p.json', '--prov'],
    ['--provider', ':none'],
  ],
  [
    ['run', 'p.json', '--provider', 'openai'],
    ['openai', 'openai-compatible', ':none'],
  ],
  [
    ['run', 'p.json', '--provider=sim'],
    ['--provider=simulated', ':none'],
  ],
  [
    ['run', 'p.json', '--max-workers', ''],
    ['auto', ':none'],
  ],
  [
    ['set', 'poems-1', '--max-workers', ''],
    ['auto', ':none'],
  ],
  [['set', 'poems-1', '--max-failures', ''], [':none']],
  [
    ['tail', 'poems-1', '--from', ''],
    ['start', 'now', ':none'],
  ],
  [
    ['list', '--state', 'pa'],
    ['paused', 'partly_failed', ':none'],
  ],
  [
    ['watch', 'poems-1', 'j'],
    ['jokes-1', ':none'],
  ],
  [['add', 'poems-1', ''], [':files']],
  [
    ['pause', 'j'],
    ['jokes-1', ':none'],
  ],
  [['run', 'p.json', '--output-dir', ''], [':folders']],
  [
    ['run', 'p.json', '--api-key-env', ''],
    ['OPENAI_API_KEY', 'MY_KEY', ':none'],
  ],
  [
    ['run', 'p.json', '--reuse', 'p'],
    ['poems-1', 'poems-2', ':none'],
  ],
  [
    ['run', 'p.json', '--new', '--n'],
    ['--no-reuse', '--no-price-update', ':none'],
  ],
  [['run', 'p.json', ''], [':none']],
  [
    ['--provider', 'simulated', 'ru'],
    ['run', ':none'],
  ],
  [
    ['status', ''],
    ['poems-1', 'poems-2', 'jokes-1', ':none'],
  ],
  [
    ['status', '@'],
    ['@last', ':none'],
  ],
  [
    ['run', 'p.json', '--reuse=@la'],
    ['--reuse=@last', ':none'],
  ],
  [
    ['cancel', 'poems-1', '--no'],
    ['--now', ':none'],
  ],
  [['status', 'poems-1', ''], [':none']],
  [
    ['server', 's'],
    ['start', 'stop', 'status', ':none'],
  ],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish', ':none'],
  ],
  [['--de'], ['--debug', ':none']],
  [['list', '--xyzzy='], [':none']],
];
for (const [words, offer] of cases) {
  test(`durabatch ${words.join(' ')}⇥ offers ${offer.slice(0, -1).join(', ') || offer.at(-1)}`, async () => {
    assert.deepEqual(await offered(words), offer);
  });
}

test('commands and flags are described in a few words', async () => {
  const ask = (words: string[]): Promise<string> =>
    answerShell({
      program: createProgram(),
      asked: ['fish', '--', ...words],
      batchIds: async () => ids,
      env: {},
    });
  assert.match(await ask(['run']), /^run\tstart a batch from a file/);
  for (const line of (await ask(['run', 'p.json', '--'])).split('\n').slice(0, -1)) {
    assert.match(line, /^--[a-z-]+\t.+$/);
    assert.ok(line.length < 100, line);
  }
});

test('bash, which takes words apart at "@", is offered what stands behind it', async () => {
  assert.deepEqual(await offered(['status', '@'], 'bash'), ['last', ':none']);
  assert.deepEqual(await offered(['status', '@', 'la'], 'bash'), ['last', ':none']);
  assert.deepEqual(await offered(['run', 'p.json', '--reuse', '=', '@', 'la'], 'bash'), ['last', ':none']);
});

test('bash, which takes words apart at "=", is offered what stands behind it', async () => {
  assert.deepEqual(await offered(['run', 'p.json', '--provider', '=', 'sim'], 'bash'), [
    'simulated',
    ':none',
  ]);
  assert.deepEqual(await offered(['run', 'p.json', '--provider', '='], 'bash'), [
    ...['deepseek', 'openai', 'openai-compatible', 'simulated'],
    ':none',
  ]);
});
