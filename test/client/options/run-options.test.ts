import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { commands } from '../../../src/client/command-table.ts';
import { batchFlags, retryFlags } from '../../../src/client/options/flags.ts';
import { toTypedLimits } from '../../../src/client/options/limit-options.ts';
import { parseFlags } from '../../../src/client/options/parse-flags.ts';
import type { RunOptions } from '../../../src/client/options/run-options.ts';
import { parseRunOptions } from '../../../src/client/options/run-options.ts';
import { createProgram } from '../../../src/client/program.ts';
import { UsageError } from '../../../src/client/usage-error.ts';
import { textWidth } from '../../../src/client/render/text-width.ts';

const commandNamed = (name: string): Command =>
  createProgram().commands.find((command) => command.name() === name)!;

/** As commander reads them, and before anything is run. */
function rawOf(name: string, flags: string[]): Record<string, unknown> {
  const command = commandNamed(name);
  command.parseOptions(flags);
  return command.opts();
}

const parsed = (...flags: string[]): RunOptions => parseRunOptions(rawOf('run', flags));

function refusal(...flags: string[]): string {
  try {
    parsed(...flags);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`${flags.join(' ')} was taken`);
}

test('has the documented defaults', () => {
  assert.deepEqual(parsed(), {
    settings: {
      provider: 'deepseek',
      model: undefined,
      baseUrl: undefined,
      temperature: 0.7,
      topP: 0.9,
      maxTokens: 256,
      completions: 2,
      thinking: false,
    },
    limits: {
      maxWorkers: 3,
      maxAttempts: 6,
      requestTimeoutMs: 600_000,
      idleTimeoutMs: 120_000,
      patienceMs: 3_600_000,
      rejectTruncated: false,
      retryEmpty: false,
      maxFailures: null,
      maxCostNanoUsd: null,
      prices: null,
      apiKeyEnv: undefined,
      simulateLatencyMs: 100,
      simulateErrors: 0,
    },
    typedLimits: {},
    outputDir: 'data/batch_results',
    id: undefined,
    new: false,
    reuse: {
      named: [],
      policy: { folder: true, since_ms: null, longer: false },
      isTyped: false,
    },
    detach: false,
    json: false,
  });
});

test('takes every flag', () => {
  const request = '--provider simulated --model m --temperature 0 --top-p 1 --max-tokens 9';
  const more = '--completions 4 --thinking --max-workers 500 --max-attempts 1 --request-timeout 1m';
  const limits = '--idle-timeout 30 --patience 0 --api-key-env KEY --simulate-latency 5ms';
  const money = '--max-cost $2.5 --price-input 1 --price-output 2 --price-cached 0.1 --max-failures 5%';
  const judging = '--reject-truncated --retry-empty --reuse one --reuse two --reuse-since 30d --reuse-longer';
  const rest = '--simulate-errors 5% --output-dir out --id mine --new --detach --no-price-update --json';
  const options = parsed(...[request, more, limits, money, judging, rest].join(' ').split(' '));
  const typedLimits = {
    maxWorkers: 500,
    autoWorkers: false,
    maxAttempts: 1,
    requestTimeoutMs: 60_000,
    idleTimeoutMs: 30_000,
    patienceMs: 0,
    rejectTruncated: true,
    retryEmpty: true,
    maxFailures: { share: 0.05 },
    maxCostNanoUsd: 2_500_000_000,
    prices: { inputPerMillion: 1, outputPerMillion: 2, cachedPerMillion: 0.1 },
    apiKeyEnv: 'KEY',
    simulateLatencyMs: 5,
    simulateErrors: 0.05,
  };
  assert.deepEqual(options, {
    settings: {
      provider: 'simulated',
      model: 'm',
      baseUrl: undefined,
      temperature: 0,
      topP: 1,
      maxTokens: 9,
      completions: 4,
      thinking: true,
    },
    limits: typedLimits,
    typedLimits,
    outputDir: 'out',
    id: 'mine',
    new: true,
    reuse: {
      named: ['one', 'two'],
      policy: { folder: false, since_ms: 30 * 86_400_000, longer: true },
      isTyped: true,
    },
    detach: true,
    priceUpdate: false,
    json: true,
  });
});

test('tells limits that were typed from defaults, also where they are equal', () => {
  const options = parsed('--max-workers', '3');
  assert.deepEqual(options.typedLimits, { maxWorkers: 3, autoWorkers: false });
});

test("an account's limits are kept apart: what they are called is not known from flags alone", () => {
  const options = parsed('--rpm', '600', '--tpm', '90000', '--account', 'team@acme:1');
  assert.deepEqual(options.typedAccount, {
    name: 'team@acme:1',
    requestsPerMinute: 600,
    tokensPerMinute: 90_000,
  });
  assert.deepEqual(options.typedLimits, {});
});

test('lists everything that is wrong, a line for each flag', () => {
  const message = refusal('--temperature', 'hot', '--top-p', '0', '--max-workers', '5001');
  assert.deepEqual(message.split('\n'), [
    '--temperature: must be a number from 0 to 2, got "hot"',
    '--top-p: must be a number above 0, up to 1, got "0"',
    '--max-workers: must be a whole number from 1 to 5000, or "auto", or "auto:50" for at most 50, got "5001"',
  ]);
});

const refused = [
  [
    'an unknown provider',
    ['--provider', 'deepsek'],
    /^--provider: must be one of deepseek, .* got "deepsek"; did you mean deepseek\?$/,
  ],
  [
    'a model as provider',
    ['--provider', 'gpt'],
    /^--provider: .* got "gpt"; for any other API, openai-compatible with --base-url$/,
  ],
  ['a decimal comma', ['--temperature', '0,7'], /^--temperature: .*, got "0,7"; did you mean 0\.7\?$/],
  [
    'separated thousands',
    ['--max-workers', '1,000'],
    /^--max-workers: .*, got "1,000"; did you mean 1000\?$/,
  ],
  [
    'a negative count',
    ['--max-workers', '-3'],
    /^--max-workers: must be a whole number from 1 .*, got "-3"$/,
  ],
  [
    'an unknown unit',
    ['--patience', '10min'],
    /^--patience: must be a duration like 500ms, .*, got "10min"$/,
  ],
  ['no address for a compatible provider', ['--provider', 'openai-compatible'], /^--base-url: is needed/],
  [
    'an address for made-up answers',
    ['--provider', 'simulated', '--base-url', 'http://x'],
    /^--base-url: has no meaning/,
  ],
  [
    'made-up latency for a real provider',
    ['--simulate-latency', '1s'],
    /^--simulate-latency: works only with/,
  ],
  ['made-up errors for a real provider', ['--simulate-errors', '5%'], /^--simulate-errors: works only with/],
  ['an id that is no folder name', ['--id', '../x'], /^--id: must be 1 to 64/],
  ['an account without limits', ['--account', 'acme'], /^--account: says whose limits/],
  ['a name that is none', ['--account', 'ac/me', '--rpm', '6'], /^--account: must be a name of 1 to 100/],
  ['a limit of nothing', ['--rpm', '0'], /^--rpm: must be a whole number of at least 1/],
  ['no completions', ['--completions', '0'], /^--completions: must be a whole number of at least 1/],
  ['an output folder without a name', ['--output-dir', ''], /^--output-dir: must be a text/],
] as const;

for (const [title, flags, message] of refused) {
  test(`refuses ${title}`, () => {
    assert.match(refusal(...flags), message);
  });
}

test('a wrong value cannot smuggle escape sequences into an error', () => {
  assert.equal(
    refusal('--temperature', '\u001b[31mhot'),
    '--temperature: must be a number from 0 to 2, got "hot"',
  );
});

test('the help of run fits into 80 columns and shows the default of every flag with a value', () => {
  const help = commandNamed('run')
    .configureOutput({ getOutHelpWidth: () => 80 })
    .helpInformation();
  for (const line of help.split('\n')) assert.ok(textWidth(line) <= 80, line);
  const flags = commandNamed('run').options.filter((option) => option.required);
  assert.equal(flags.length, 27);
  for (const flag of flags) assert.match(flag.description, /\(default: .+\)$/, flag.flags);
});

test('limits of a command that goes on with a batch are only those that were typed', () => {
  const flags = parseFlags(retryFlags, rawOf('retry', ['--max-workers', '10']));
  assert.deepEqual(toTypedLimits(flags), { typedLimits: { maxWorkers: 10, autoWorkers: false } });
  assert.match(commandNamed('retry').helpInformation(), /as\s+before/);
});

test('shared flags are as typed', () => {
  const shared = (...flags: string[]) => parseFlags(batchFlags, rawOf('status', flags));
  assert.deepEqual(shared(), { json: false });
  assert.deepEqual(shared('--json', '--output-dir', 'out'), { json: true, outputDir: 'out' });
});

test('which earlier answers are taken over: those of the folder, unless all are to be new', () => {
  const policyOf = (...args: string[]) => parsed(...args).reuse.policy;
  assert.equal(policyOf().folder, true);
  assert.equal(policyOf('--reuse', 'x').folder, true);
  for (const flag of ['--no-reuse', '--new']) {
    assert.equal(policyOf(flag).folder, false);
    assert.deepEqual(parsed(flag, '--reuse', 'x').reuse.named, ['x']);
    assert.equal(policyOf(flag, '--reuse', 'x').folder, false);
    assert.equal(policyOf('--reuse', 'x', flag).folder, false);
  }
  for (const [typed, ms] of [
    ['30d', 30 * 86_400_000],
    ['2w', 14 * 86_400_000],
    ['12h', 12 * 3_600_000],
    ['90', 90_000],
  ] as const)
    assert.equal(policyOf('--reuse-since', typed).since_ms, ms);
  for (const wrong of ['0', '-1d', 'soon', '1y'])
    assert.throws(() => parsed('--reuse-since', wrong), /--reuse-since: must be an age like 30d/);
});

test("a flag's value has the name under which the table keeps it", () => {
  for (const { usage, flags } of commands) {
    const command = commandNamed(usage.split(' ', 1)[0]!);
    const names = command.options.map((option) => option.attributeName());
    assert.deepEqual(names, Object.keys(flags), usage);
  }
});
