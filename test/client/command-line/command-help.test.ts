import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../../src/client/program.ts';
import { commands } from '../../../src/client/command-table.ts';
import { textWidth } from '../../../src/client/render/text-width.ts';

/** As `--help` shows it, at 80 columns. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ getOutHelpWidth: () => 80, writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

const program = createProgram();
const names = program.commands.map((command) => command.name());

test('the help of the program names every command in one line of its group, and the exit codes', () => {
  const help = helpOf(program);
  for (const line of help.split('\n')) assert.ok(textWidth(line) <= 80, line);
  for (const name of names) assert.match(help, new RegExp(`^  ${name} `, 'm'));
  assert.match(help, /Exit codes: 0 .*\n.*130 interrupted/);
  assert.doesNotMatch(help, /^Commands:/m);
});

for (const command of program.commands) {
  const name = command.name();
  test(`the help of ${name} fits into 80 columns, tells defaults, and has examples that can be typed`, () => {
    const help = helpOf(command);
    for (const line of help.split('\n')) assert.ok(textWidth(line) <= 80, line);
    assert.match(help, new RegExp(`^Usage: durabatch ${name} `));
    assert.notEqual(command.description(), '');
    for (const argument of command.registeredArguments) assert.notEqual(argument.description, '');
    for (const option of command.options.filter(({ required, hidden }) => required && !hidden))
      assert.match(option.description, /\(default: .+\)/, option.flags);

    const examples = commands.find(({ usage }) => usage.split(' ', 1)[0] === name)!.examples;
    assert.ok(examples.length > 0);
    for (const example of examples) {
      assert.ok(help.includes(`\n  ${example}\n`), example);
      const typed = /durabatch ([^>)]+)/.exec(example)![1]!.trim();
      const words = [...typed.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
      assert.equal(words[0], name);
      const { operands, unknown } = command.parseOptions(words.slice(1));
      assert.deepEqual(unknown, [], example);
      const takes = command.registeredArguments;
      assert.ok(operands.length >= takes.filter(({ required }) => required).length, example);
      assert.ok(operands.length <= takes.length || takes.at(-1)?.variadic === true, example);
    }
  });
}

test('estimate shows the flags that tell, and takes all of run', () => {
  const estimate = program.commands.find((command) => command.name() === 'estimate')!;
  const run = program.commands.find((command) => command.name() === 'run')!;
  const help = helpOf(estimate);
  for (const flag of ['--max-tokens', '--price-input', '--max-workers', '--reuse'])
    assert.match(help, new RegExp(`${flag} <`));
  for (const flag of ['--patience', '--detach', '--temperature', '--id'])
    assert.doesNotMatch(help, new RegExp(`${flag} `));
  assert.deepEqual(
    estimate.options.map(({ flags }) => flags),
    run.options.map(({ flags }) => flags),
  );
});
