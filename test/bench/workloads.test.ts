import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promptIndexIn, writePromptFile } from '../../bench/prompt-file.ts';
import { workloadOf } from '../../bench/workloads.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a workload may be run with another number of prompts', () => {
  assert.equal(workloadOf('W7').prompts, 100_000);
  assert.deepEqual(workloadOf('W7:10000'), { ...workloadOf('W7'), name: 'W7:10000', prompts: 10_000 });
});

for (const [name, message] of [
  ['W9', /expected a workload \(W1, .*\), got "W9"/],
  ['W7:0', /expected a number of prompts after the colon.*got "W7:0"/],
  ['W7:many', /got "W7:many"/],
] as const) {
  test(`${name} is refused`, () => {
    assert.throws(() => workloadOf(name), { message });
  });
}

test('the provider finds in a request which prompt of the file it is about', async (t) => {
  const path = join(await temporaryFolder(t), 'prompts.jsonl');
  await writePromptFile(path, 12);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const prompts = lines.map((line) => JSON.parse(line) as { prompt_id: string; prompt: string });
  const found = prompts.map(({ prompt }) =>
    promptIndexIn(Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: prompt }] }))),
  );
  assert.deepEqual(
    found,
    Array.from({ length: 12 }, (_, index) => index),
  );
  assert.equal(new Set(prompts.map(({ prompt_id: id }) => id)).size, 12);
  assert.throws(() => promptIndexIn(Buffer.from('{}')), /names no prompt/);
});
