import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { createProgram } from '../../../src/client/program.ts';
import { explainMisuse, refuseUnknownTopic } from '../../../src/client/command-line/explain-misuse.ts';
import { flagsLast } from '../../../src/client/command-line/flags-last.ts';

interface Here {
  ids?: string[];
  files?: string[];
}

/** What a person reads who types this. */
async function told(typed: string[], { ids = [], files = [] }: Here = {}): Promise<string> {
  const program = createProgram();
  program.configureOutput({ writeErr: () => undefined });
  const sorted = flagsLast(program, typed);
  try {
    refuseUnknownTopic(program, sorted);
    await program.parseAsync(sorted, { from: 'user' });
  } catch (error) {
    assert.ok(error instanceof CommanderError, String(error));
    return explainMisuse(error, program, sorted, {
      batchIds: async () => ids,
      isFile: (path) => files.includes(path),
    });
  }
  throw new Error(`${typed.join(' ')} was taken`);
}

const two = { ids: ['new-1', 'old-1'] };
const cases: [typed: string[], message: string | RegExp, here?: Here][] = [
  [[], 'a command was expected. See durabatch --help.'],
  [
    ['runn', 'prompts.json', '--completions', '4'],
    'there is no command "runn"; did you mean: durabatch run prompts.json --completions 4',
  ],
  [['statsu', 'my batch'], 'there is no command "statsu"; did you mean: durabatch status "my batch"'],
  [['run', 'p.json', 'sk-0123456789abcdef'], /^run takes one file, got 2: "p\.json" and "\[redacted\]"/],
  [
    ['run', 'p.json', '--api-key=sk-0123456789'],
    'unknown flag --api-key; did you mean --api-key-env <name>?',
  ],
  [['xyzzy'], /^there is no command "xyzzy"; the commands are run, .*\. See durabatch --help\.$/],
  [['version'], 'there is no command "version"; type: durabatch --version'],
  [['ls'], 'there is no command "ls"; type: durabatch list'],
  [['help', 'runn'], 'there is no command "runn"; did you mean: durabatch help run'],
  [
    ['prompts.json', '--new'],
    '"prompts.json" is a file, but a command was expected; to run it: durabatch run prompts.json --new',
  ],
  [['questions'], /^"questions" is a file, .* durabatch run questions$/, { files: ['questions'] }],
  [
    ['old-1'],
    '"old-1" is a batch, but a command was expected; to see its status: durabatch status old-1',
    two,
  ],
  [['-v'], 'unknown flag -v; to print the version: durabatch --version'],
  [['--json'], /^unknown flag --json: it goes after a command that has it: run, /],
  [['run', 'p.json', '--max-worker', '3'], 'unknown flag --max-worker; did you mean --max-workers <n|auto>?'],
  [['run', 'p.json', '--workers', '3'], 'unknown flag --workers; did you mean --max-workers <n|auto>?'],
  [['run', 'p.json', '--output', 'o'], 'unknown flag --output; did you mean --output-dir <folder>?'],
  [['run', 'p.json', '--concurrency=5'], 'unknown flag --concurrency; did you mean --max-workers <n|auto>?'],
  [['run', 'p.json', '-n', '4'], 'unknown flag -n; did you mean --completions <n>?'],
  [['run', 'p.json', '--max', '4'], 'unknown flag --max. See durabatch run --help.'],
  [['cancel', 'x', '--noww'], 'unknown flag --noww; did you mean --now?'],
  [
    ['run', 'p.json', '-MaxWorkers', '3'],
    'unknown flag -MaxWorkers; did you mean --max-workers? Flags are written as --max-workers <n|auto>',
  ],
  [['run', 'p.json', '-MaxWorkers:3'], /^unknown flag -MaxWorkers; did you mean --max-workers\?/],
  [['run', 'p.json', '--max_workers=3'], /^unknown flag --max_workers; did you mean --max-workers\?/],
  [
    ['run', '-InputFile', 'p.json'],
    'unknown flag -InputFile: the file needs no flag, as in durabatch run prompts.json',
  ],
  [
    ['list', '--temperature', '1'],
    'unknown flag --temperature for list; it is a flag of run. See durabatch list --help.',
  ],
  [['status', 'x', '--xyzzy'], 'unknown flag --xyzzy. See durabatch status --help.'],
  [
    ['run', 'p.json', '–max-workers', '3'],
    '"–max-workers" begins with a dash that is no "-" (copied from a text?): type --max-workers',
  ],
  [
    ['run', 'p.json', '--max-workers', '=', '3'],
    '"=" stands by itself: write --max-workers=3 without blanks, or with one blank and no "="',
  ],
  [
    ['run', 'p.json', '--max-workers'],
    /^--max-workers: needs a value, --max-workers <.*>: prompts in progress at once/,
  ],
  [['run', 'p.json', '--new', 'true'], /^--new takes no value: leave it out or give it alone\./],
  [['run'], 'run needs a file of prompts, as in durabatch run prompts.json. See durabatch run --help.'],
  [
    ['run', 'a.json', 'b.json'],
    'run takes one file, got 2: "a.json" and "b.json"; run the files one after another, or join them into one. See durabatch run --help.',
  ],
  [
    ['run', 'my', 'prompts.json'],
    'the file name contains spaces, so it needs quotes: durabatch run "my prompts.json"',
    { files: ['my prompts.json'] },
  ],
  [['worker', 'p.json'], 'worker takes no arguments, got "p.json". See durabatch worker --help.'],
  [['status', 'a', 'b'], 'status takes one batch id, got 2: "a" and "b". See durabatch status --help.'],
  [
    ['resume'],
    /^resume needs the id of a batch, and there is none here yet; .* durabatch run <file> starts one$/,
  ],
  [
    ['resume'],
    'resume needs the id of a batch; there is one here: durabatch resume only-1',
    { ids: ['only-1'] },
  ],
  [
    ['resume'],
    'resume needs the id of a batch; "durabatch list" shows them. The newest:\n  durabatch resume new-1\n  durabatch resume old-1',
    two,
  ],
  [['server'], 'server needs an argument: one of start, stop, status'],
  [
    ['server', 'stop', 'now'],
    'server takes one of start, stop, status, got 2: "stop" and "now". See durabatch server --help.',
  ],
];
for (const [typed, message, here] of cases) {
  const title = `durabatch ${typed.join(' ')}${here ? ` (${JSON.stringify(here)})` : ''}`;
  test(`says what to type instead of: ${title}`, async () => {
    const text = await told(typed, here);
    if (typeof message === 'string') assert.equal(text, message);
    else assert.match(text, message);
  });
}

const orders: [typed: string[], sorted: string[]][] = [
  [
    ['--json', 'list'],
    ['list', '--json'],
  ],
  [
    ['--provider', 'simulated', '--new', 'run', 'p.json'],
    ['run', 'p.json', '--provider', 'simulated', '--new'],
  ],
  [
    ['--max-workers=3', 'run', '--', '-p.json'],
    ['run', '--max-workers=3', '--', '-p.json'],
  ],
  [
    ['run', 'p.json', '--new'],
    ['run', 'p.json', '--new'],
  ],
  [
    ['--help', 'run'],
    ['--help', 'run'],
  ],
  [
    ['--xyzzy', 'run'],
    ['--xyzzy', 'run'],
  ],
];
for (const [typed, sorted] of orders) {
  test(`takes ${typed.join(' ')} as ${sorted.join(' ')}`, () => {
    assert.deepEqual(flagsLast(createProgram(), typed), sorted);
  });
}
