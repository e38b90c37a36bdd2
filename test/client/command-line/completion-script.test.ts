import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { registerBatch } from '../../../src/client/find/batch-registry.ts';
import type { Shell } from '../../../src/client/command-line/completion-script.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const cli = fileURLToPath(new URL('../../../dist/client/cli.js', import.meta.url));

const isThere = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** A folder with `durabatch` on the PATH, a file, a folder and one batch that is remembered. */
async function createPlace(t: TestContext): Promise<{ folder: string; env: NodeJS.ProcessEnv; id: string }> {
  const folder = await temporaryFolder(t);
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'x' }]);
  const home = join(folder, 'home');
  await registerBatch(home, store.location, store.batchId);
  await mkdir(join(folder, 'bin'));
  await chmod(cli, 0o755);
  await symlink(cli, join(folder, 'bin', 'durabatch'));
  await mkdir(join(folder, 'prompt folder'));
  await writeFile(join(folder, 'prompts.json'), '[]');
  const path = [join(folder, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter);
  return {
    folder,
    env: { ...process.env, PATH: path, DURABATCH_HOME: home, HOME: folder },
    id: store.batchId,
  };
}

/** How each shell is made to complete a line, printing a candidate a line. The script is sourced twice: a profile may be, too. */
const drivers: Record<Shell, (words: string[]) => string[]> = {
  bash: (words) => [
    '--norc',
    '-c',
    `set -eu; for _ in 1 2; do eval "$(durabatch completion bash)"; done
     COMP_WORDS=(durabatch "$@"); COMP_CWORD=$#; _durabatch; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    ...words,
  ],
  zsh: (words) => [
    '-f',
    '-c',
    `compdef() { : }; _describe() { print -l -- "\${(@P)3}" }; _files() { [[ $1 == -/ ]] && print FOLDERS || print FILES }
     for _ in 1 2; do eval "$(durabatch completion zsh)"; done
     words=(durabatch "\${(@q)@}"); CURRENT=$#words; _durabatch`,
    'zsh',
    ...words,
  ],
  fish: (words) => [
    '--no-config',
    '-c',
    'for i in 1 2; durabatch completion fish | source; end; complete -C "durabatch $argv"',
    ...words,
  ],
};

for (const shell of ['bash', 'zsh', 'fish'] as const) {
  const skip = isThere(shell) ? false : `there is no ${shell} on this machine`;
  test(`${shell} completes commands, flags, values, files and batch ids`, { skip }, async (t) => {
    const { folder, env, id } = await createPlace(t);
    const complete = (...words: string[]): string[] => {
      const { status, stdout, stderr } = spawnSync(shell, drivers[shell](words), {
        cwd: folder,
        env,
        encoding: 'utf8',
      });
      assert.deepEqual([status, stderr], [0, ''], stdout);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(shell === 'zsh' ? ':' : '\t')[0]!);
    };
    assert.deepEqual(complete('re').toSorted(), ['report', 'resume', 'retry']);
    assert.deepEqual(complete('run', 'prompts.json', '--provider', 'simu'), ['simulated']);
    assert.deepEqual(complete('run', 'prompts.json', '--temp'), ['--temperature']);
    assert.deepEqual(complete('status', ''), [id]);
    assert.deepEqual(complete('status', ...(shell === 'bash' ? ['@', 'la'] : ['@la'])), [
      shell === 'bash' ? 'last' : '@last',
    ]);
    const files = {
      bash: ['prompt folder', 'prompts.json'],
      zsh: ['FILES'],
      fish: ['prompt folder/', 'prompts.json'],
    };
    assert.deepEqual(complete('run', 'promp').toSorted(), files[shell]);
    const folders = { bash: ['prompt folder'], zsh: ['FOLDERS'], fish: ['prompt folder/'] };
    assert.deepEqual(complete('run', 'prompts.json', '--output-dir', 'promp'), folders[shell]);
    if (shell === 'bash')
      assert.deepEqual(complete('run', '$(touch evil)', '--provider', '=', 'simu'), ['simulated']);
    assert.ok(
      !spawnSync('ls', [folder], { encoding: 'utf8' }).stdout.includes('evil'),
      'nothing typed is executed',
    );
  });
}
