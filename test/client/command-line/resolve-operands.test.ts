import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { resolveOperands } from '../../../src/client/command-line/resolve-operands.ts';
import { UsageError } from '../../../src/client/usage-error.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** What a command of this signature is called with. */
async function settled(signature: string, typed: string[], known: string[] = []) {
  let called: unknown[] = [];
  const program = new Command().exitOverride();
  program.hook('preAction', (_program, command) => resolveOperands(command, async () => known));
  program
    .command(signature)
    .option('--output-dir <folder>')
    .action((...args: unknown[]) => {
      called = args.slice(0, -1);
    });
  await program.parseAsync([signature.split(' ')[0]!, ...typed], { from: 'user' });
  return called;
}

test("a batch's folder, with or without a slash, or its batch.json, stands for its id", async (t) => {
  const { folder, batchId, location } = await makeBatch(t, [{ prompt_id: 'a', prompt: 'x' }]);
  const { outputDir } = location;
  for (const path of [folder, `${folder}/`, join(folder, 'batch.json'), `${folder}/../${batchId}`])
    assert.deepEqual(await settled('status <id>', [path]), [batchId, { outputDir }], path);
  assert.deepEqual(await settled('watch [id...]', [folder, `${folder}/`]), [
    [batchId, batchId],
    { outputDir },
  ]);
  assert.deepEqual(await settled('status <id>', [folder, '--output-dir', 'mine']), [
    batchId,
    { outputDir: 'mine' },
  ]);
});

test('an id is taken as it is, and loses the slash that a shell has put behind it', async () => {
  assert.deepEqual(await settled('status <id>', ['some-id']), ['some-id', {}]);
  assert.deepEqual(await settled('status <id>', ['some-id/']), ['some-id', {}]);
  assert.deepEqual(await settled('watch [id...]', []), [[], {}]);
});

test('a path that is something else is refused, and so is a batch where a file belongs', async (t) => {
  const { folder, batchId } = await makeBatch(t, [{ prompt_id: 'a', prompt: 'x' }]);
  const other = await temporaryFolder(t);
  const file = join(other, 'poems.json');
  await writeFile(file, '[]');
  await mkdir(join(other, 'empty'));
  const refusals: [signature: string, typed: string, message: RegExp][] = [
    ['status <id>', join(other, 'empty'), /is no folder of a batch \(no batch\.json in it\)/],
    ['status <id>', join(other, 'nowhere'), /is no folder of a batch/],
    ['status <id>', file, /is a file of prompts, and the id of a batch was expected; made from it: poems-1$/],
    [
      'run <file>',
      folder,
      /is a batch, but a file of prompts was expected; to continue it: durabatch resume .+$/,
    ],
    ['run <file>', batchId, new RegExp(`to continue it: durabatch resume ${batchId}$`)],
  ];
  for (const [signature, typed, message] of refusals)
    await assert.rejects(settled(signature, [typed], [batchId, 'poems-1']), (error: unknown) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      return true;
    });
  assert.deepEqual(await settled('run <file>', [file], ['poems-1']), [file, {}]);
  assert.deepEqual(await settled('run <file>', ['nowhere.json']), ['nowhere.json', {}]);
});
