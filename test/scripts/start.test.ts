import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A command that shows how it was called, and ends as it is told. */
const cli = `#!/usr/bin/env node
process.on('SIGTERM', () => process.exit(130));
console.log('called with ' + process.argv.slice(2).join(' '));
if (process.argv.includes('--wait')) setInterval(() => {}, 1000);
process.exitCode = process.argv.includes('--fail') ? 3 : 0;
`;

const createProject = async (t: TestContext): Promise<string> => {
  const project = await temporaryFolder(t);
  for (const name of [
    'scripts',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ]) {
    await cp(join(root, name), join(project, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'), 'junction');
  const sources = {
    'src/client/cli.ts': cli,
    'src/workflows/index.ts': `export * from './greet.ts';\n`,
    'src/workflows/greet.ts': `export const greet = async (): Promise<string> => 'hello';\n`,
  };
  for (const [name, text] of Object.entries(sources)) {
    await mkdir(join(project, dirname(name)), { recursive: true });
    await writeFile(join(project, name), text);
  }
  return project;
};

const start = (project: string, flags: string[] = [], env: NodeJS.ProcessEnv = {}) => {
  const { DEEPSEEK_API_KEY: _, ...rest } = process.env;
  const child = spawn(process.execPath, [join(project, 'scripts', 'start.mjs'), ...flags], {
    env: { ...rest, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, output }));
  return { child, ended };
};
const sample = join('prompts', 'sample_batch.json');

describe('npm start', () => {
  test('builds, runs the sample, and builds again only when a source has changed', async (t) => {
    const project = await createProject(t);
    const first = await start(project).ended;
    assert.equal(first.code, 0, first.output);
    assert.match(
      first.output,
      /^Building …\nDEEPSEEK_API_KEY is not set: running with the simulated provider/,
    );
    assert.ok(first.output.endsWith(`called with run ${sample} --provider simulated\n`), first.output);
    assert.match(
      await readFile(join(project, 'dist', 'client', 'cli.js'), 'utf8'),
      /^#!\/usr\/bin\/env node\n/,
    );
    assert.match(await readFile(join(project, 'dist', 'workflow-bundle.js'), 'utf8'), /greet/);

    assert.doesNotMatch((await start(project).ended).output, /Building/);

    await writeFile(join(project, 'src', 'client', 'cli.ts'), `${cli}console.log('changed');\n`);
    assert.match((await start(project).ended).output, /^Building …\n[^]*changed\n$/);

    await writeFile(join(project, 'src', 'client', 'cli.ts'), `const wrong: number = 'text';\n`);
    const failed = await start(project).ended;
    assert.equal(failed.code, 1);
    assert.match(failed.output, /cli\.ts.*TS2322[^]*The build failed: see the type errors above\.\n$/);
    await access(join(project, 'dist', 'client', 'cli.js'));
  });

  test('uses a key from the environment or from .env, hands flags on, and ends as the command ends', async (t) => {
    const project = await createProject(t);
    const withKey = await start(project, ['--fail'], { DEEPSEEK_API_KEY: 'k' }).ended;
    assert.equal(withKey.code, 3);
    assert.ok(withKey.output.endsWith(`called with run ${sample} --fail\n`), withKey.output);

    const chosen = await start(project, ['--provider', 'openai']).ended;
    assert.equal(chosen.output, `called with run ${sample} --provider openai\n`);

    await writeFile(join(project, '.env'), 'DEEPSEEK_API_KEY=k\n');
    const fromFile = await start(project).ended;
    assert.equal(fromFile.output, `called with run ${sample}\n`);

    const waiting = start(project, ['--wait']);
    await once(waiting.child.stdout, 'data');
    waiting.child.kill('SIGTERM');
    assert.equal((await waiting.ended).code, process.platform === 'win32' ? 1 : 130);
  });
});
