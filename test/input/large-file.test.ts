import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import v8 from 'node:v8';
import vm from 'node:vm';
import { readPromptFile } from '../../src/input/read-prompt-file.ts';
import { withFile } from './collect-prompts.ts';

const PROMPTS = 200_000;
const MEGABYTE = 1024 * 1024;

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

async function writePrompts(file: string): Promise<number> {
  const out = createWriteStream(file);
  out.write('[');
  for (let number = 1; number <= PROMPTS; number++) {
    const item = {
      prompt_id: `prompt with a long id ${number}`,
      prompt: 'What is RLHF? '.repeat(12),
      number,
    };
    if (!out.write(`${number === 1 ? '' : ',\n'}${JSON.stringify(item)}`)) await once(out, 'drain');
  }
  out.end(']');
  await once(out, 'finish');
  return (await stat(file)).size;
}

test('a file of 200,000 prompts is read without holding it in memory', () =>
  withFile('large.json', '', async (file) => {
    const size = await writePrompts(file);
    assert.ok(size > 45 * MEGABYTE, `the file has ${size} bytes`);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let held = 0;
    const { prompts } = await readPromptFile(file, (item, position) => {
      assert.equal(item.fields?.['number'], position + 1);
      if (position % 50_000 !== 49_999) return;
      collectGarbage();
      held = Math.max(held, process.memoryUsage().heapUsed - before);
    });
    assert.equal(prompts, PROMPTS);
    // The ids are about 20 MB; a slice kept of each would hold the whole file.
    assert.ok(held < 30 * MEGABYTE, `${held} bytes more than before were in use`);
  }));
