import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { runCli } from '../../support/cli.ts';
import { testEnv } from '../../support/temporal-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let env: NodeJS.ProcessEnv;
before(async () => {
  env = await testEnv('/nonexistent/durabatch-home');
});

const STACK = /^ +at .*\.js:\d+/m;

test('an error is one line without a stack; --debug, wherever it stands, and DURABATCH_DEBUG add the stack', async (t) => {
  const cwd = await temporaryFolder(t);
  const plain = await runCli(['status', 'nobody'], { env, cwd });
  assert.deepEqual([plain.code, plain.stdout], [2, '']);
  assert.match(plain.stderr, /^error: there is no batch "nobody" in .*\n$/);
  for (const [args, more] of [
    [['--debug', 'status', 'nobody'], {}],
    [['status', 'nobody', '--debug'], {}],
    [['statsu'], { DURABATCH_DEBUG: '1' }],
  ] as const) {
    const { code, stderr } = await runCli(args, { env: { ...env, ...more }, cwd });
    assert.equal(code, 2);
    assert.match(stderr, STACK);
  }
});

test('with --json a wrong command line is a line of JSON too', async (t) => {
  const cwd = await temporaryFolder(t);
  for (const args of [
    ['statsu', 'x'],
    ['status'],
    ['run', 'p.json', '--max-worker', '3'],
    ['set', 'x'],
    [],
  ]) {
    const { code, lines } = await runCli([...args, '--json'], { env, cwd });
    assert.equal(code, 2);
    assert.equal(lines.length, 1);
    const { type, exit_code: exitCode, message } = lines[0]!;
    assert.deepEqual([type, exitCode, typeof message], ['error', 2, 'string']);
    assert.doesNotMatch(message, /^error:/);
  }
});
