import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { BatchProcessor, UsageError } from '../../src/index.ts';
import { createProgram } from '../../src/client/program.ts';
import { createTestHome, testEnv } from '../support/temporal-server.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let home: string;
let env: NodeJS.ProcessEnv;
before(async () => {
  home = await createTestHome();
  env = await testEnv(home);
});
after(() => rm(home, { recursive: true, force: true }));

const valueOf: Readonly<Record<string, string>> = { id: 'some-id', file: 'prompts.json' };

/** Every flag of every command that takes a folder. */
const folderFlags = createProgram().commands.flatMap((command) =>
  command.options
    .filter(({ flags }) => flags.includes('<folder>'))
    .map((option) => ({
      flag: option.long!,
      line: [
        command.name(),
        ...command.registeredArguments
          .filter(({ required }) => required)
          .map((argument) => valueOf[argument.name()]!),
        ...(command.name() === 'set' ? ['--max-workers', '2'] : []),
      ],
    })),
);

describe('a URL is no folder, whichever command takes one', () => {
  assert.ok(folderFlags.length >= 14, `found ${folderFlags.length}`);
  for (const { line, flag } of folderFlags) {
    test(`${line.join(' ')} ${flag} s3://bucket/out`, async (t) => {
      const cwd = await temporaryFolder(t);
      const { code, stderr } = await runCli([...line, flag, 's3://bucket/out'], { env, cwd });
      assert.equal(code, 2, stderr);
      assert.match(
        stderr,
        new RegExp(`^error: ${flag}: must be a folder of this machine, got a URL \\(s3://`),
      );
      assert.deepEqual(await readdir(cwd), []);
    });
  }
});

test('any scheme is one, and nothing behind the scheme is repeated', async (t) => {
  const cwd = await temporaryFolder(t);
  const urls = ['file:///tmp/out', 'GS://bucket/x', 'abfss://user:secret@host/x', ' http://host/x '];
  for (const url of [...urls, 'gs:/bucket/x', 'file:/tmp/out', 's3:bucket/x']) {
    const { code, stderr } = await runCli(['list', '--output-dir', url], { env, cwd });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /must be a folder of this machine, got a URL/);
    assert.doesNotMatch(stderr, /secret|bucket\/|host/);
  }
});

test('a batch is not looked for at a URL', async (t) => {
  const cwd = await temporaryFolder(t);
  const { code, stderr } = await runCli(['status', 's3://bucket/out/some-id'], { env, cwd });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /the folder of a batch must be a folder of this machine, got a URL \(s3:\/\/…\)/);
});

test('the home is no URL either', async (t) => {
  const cwd = await temporaryFolder(t);
  const { code, stderr } = await runCli(['list'], {
    env: { ...env, DURABATCH_HOME: 's3://bucket/home' },
    cwd,
  });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /DURABATCH_HOME: must be a folder of this machine, got a URL/);
  assert.deepEqual(await readdir(cwd), []);
});

test('the TypeScript API refuses it too', () => {
  assert.throws(
    () => new BatchProcessor({ outputDir: 's3://bucket/out' }),
    (error) => error instanceof UsageError && /must be a folder of this machine/.test(error.message),
  );
});

test('a folder with a colon in its name is a folder', async (t) => {
  const cwd = await temporaryFolder(t);
  for (const folder of ['./s3://bucket/out', 'a:b', './s3:/bucket', 'notes:2026']) {
    const { stderr } = await runCli(['list', '--output-dir', folder], { env, cwd });
    assert.match(stderr, /there is no folder/);
  }
});
