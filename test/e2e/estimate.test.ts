import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import { testEnv } from '../support/temporal-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createWorkplace, promptTexts, type Workplace } from './workplace.ts';

/** No Temporal server at all: an estimate needs none. */
async function workplace(t: TestContext): Promise<Workplace> {
  return createWorkplace(t, { env: await testEnv(await temporaryFolder(t)) });
}
const flags = (place: Workplace): string[] => [
  ...['--provider', 'openai-compatible', '--model', 'test-model', '--base-url', place.provider.baseUrl],
  ...['--output-dir', 'out'],
];
const estimate = (place: Workplace, file: string, ...more: string[]) =>
  place.cli(['estimate', file, ...flags(place), ...more]);

test('prompts, tokens, cost and time, as text and as JSON; nothing is sent, started or written', async (t) => {
  const place = await workplace(t);
  const file = await place.write('prompts.json', promptTexts(10));
  const prices = ['--price-input', '1', '--price-output', '10', '--max-tokens', '100', '--completions', '2'];
  const text = await estimate(place, file, ...prices);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^Prompts +10, 20 completions in/m);
  assert.match(text.stdout, /^Input +about \d+ tokens/m);
  assert.match(text.stdout, /^Output +500 to 2,000 tokens/m);
  assert.match(text.stdout, /^Cost +\$\d\.\d+ to \$\d\.\d+/m);
  assert.match(text.stdout, /^Time +.* with 3 prompts at once/m);
  assert.match(text.stdout, /An estimate: tokens counted with o200k_base/);

  const { code, lines } = await estimate(place, file, ...prices, '--json');
  assert.deepEqual([code, lines.length], [0, 1]);
  const { type, is_estimate: marked, prompts, completions, prompt_tokens: input, cost, seconds } = lines[0]!;
  assert.deepEqual([type, marked, prompts, completions], ['estimate', true, 10, 20]);
  assert.deepEqual(lines[0]!['completion_tokens'], { low: 500, high: 2000 });
  const usd = (output: number): number => (input * 1000 + output * 10_000) / 1e9;
  assert.deepEqual(cost, { low: usd(500), high: usd(2000) });
  assert.ok(seconds.low > 0 && seconds.low < seconds.high);

  assert.equal(place.provider.connections, 0);
  assert.deepEqual(await readdir(place.folder), ['prompts.json']);
});

test('with auto the time is said to be that at its ceiling', async (t) => {
  const place = await workplace(t);
  const file = await place.write('prompts.json', promptTexts(60));
  const { stdout } = await estimate(place, file, '--max-workers', 'auto:50');
  assert.match(stdout, /^Time +.* with 50 prompts at once, the most that auto may come\s+to/m);
});

test('without a price the cost is unknown, never 0', async (t) => {
  const place = await workplace(t);
  const file = await place.write('prompts.json', promptTexts(2));
  assert.match((await estimate(place, file)).stdout, /^Cost +unknown/m);
  assert.equal((await estimate(place, file, '--json')).lines[0]!['cost'], null);
});

test('a file with errors: the same words as "run", exit 2', async (t) => {
  const place = await workplace(t);
  const file = await place.write('prompts.json', [{ prompt_id: 'a', prompt: '' }, { prompt: 7 }, 'fine']);
  const estimated = await estimate(place, file);
  const ran = await place.cli(['run', file, ...flags(place)]);
  assert.deepEqual([estimated.code, ran.code], [2, 2]);
  assert.match(estimated.stderr, /item 1/);
  assert.equal(estimated.stderr, ran.stderr);
});
