import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runCli } from '../../support/cli.ts';

/** Sends SIGHUP to the process as soon as it asks for the module that has the commands, before that is loaded. */
const hangUp = `
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(\`
    export async function load(url, context, next) {
      const module = await next(url, context);
      if (String(module.source).includes('.description("show the status of a batch")')) process.kill(process.pid, 'SIGHUP');
      return module;
    }
  \`));
`;

test(
  'a command that prints to no terminal ignores the end of one while it is still being loaded',
  { skip: process.platform === 'win32' },
  async () => {
    const option = `--import=data:text/javascript,${encodeURIComponent(hangUp)}`;
    const env = { ...process.env, NODE_OPTIONS: option };
    const { code, signal, stdout, stderr } = await runCli(['--version'], { env });
    assert.equal(signal, null, stderr);
    assert.equal(code, 0, stderr);
    const { version } = JSON.parse(
      await readFile(new URL('../../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    assert.equal(stdout, `${version}\n`);
  },
);
