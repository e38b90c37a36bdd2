import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { batchIdsIn, createWorkplace, promptTexts, readCsv, readResults, testKey } from './workplace.ts';

const samples = fileURLToPath(new URL('../../prompts', import.meta.url));

const server = useTestServer();

describe('runs each format: every prompt in order, sums as the provider counted', () => {
  for (const [name, ids] of [
    ['sample_batch.json', null],
    ['sample_items.json', ['define_overfitting', 'polite_decline', 'primes_below_30']],
    ['sample_strings.json', ['prompt_0001', 'prompt_0002', 'prompt_0003']],
    ['sample_lines.jsonl', ['haiku_rain', 'sort_explanation', 'prompt_0003']],
  ] as const) {
    test(name, async (t) => {
      const place = await createWorkplace(t, server);
      const { answered } = place.provider;
      const { code, stdout, stderr } = await place.run(join(samples, name), ['--completions', '2']);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /\d+\/\d+ done · \d+ succeeded · 0 failed · [\d/]+ in flight · [\d,]+ tokens/);
      const { summary, results } = await readResults(place.outputDir);
      if (ids !== null)
        assert.deepEqual(
          results.map(({ prompt_id }) => prompt_id),
          ids,
        );
      assert.deepEqual(
        [summary.state, summary.simulated, summary.success_rate, summary.failed_items],
        ['succeeded', false, 100, 0],
      );
      assert.deepEqual(
        [summary.prompt_tokens, summary.completion_tokens, summary.total_tokens],
        [answered.promptTokens, answered.completionTokens, answered.promptTokens + answered.completionTokens],
      );
      const rows = await readCsv(place.outputDir);
      assert.deepEqual(
        rows.map((row) => [
          row['prompt_id'],
          row['status'],
          row['prompt'],
          row['completion_1'],
          row['completion_2'],
        ]),
        results.map((result) => [
          result.prompt_id,
          'succeeded',
          result.prompt,
          ...result.completions.map(({ text }) => text),
        ]),
      );
      assert.equal(
        rows.reduce((sum, row) => sum + Number(row['tokens']), 0),
        summary.total_tokens,
      );
      assert.equal(
        results.reduce((sum, result) => sum + result.aggregated_usage.total_tokens, 0),
        summary.total_tokens,
      );
    });
  }
});

test('an unknown price is said at the start and is null with a warning, a known one adds up', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(3));
  const unknown = await place.run(file);
  assert.match(unknown.stdout, /No price known for test-model at \S+;.*\n[^]*Cost +unknown/);
  assert.match(unknown.stdout, /warning: The cost of 3 of 3 prompts is unknown/);
  const { summary } = await readResults(place.outputDir);
  assert.equal(summary.estimated_cost, null);
  assert.deepEqual(
    (await readCsv(place.outputDir)).map((row) => row['cost']),
    ['', '', ''],
  );

  const known = await place.cli([
    'run',
    file,
    '--base-url',
    place.provider.baseUrl,
    '--output-dir',
    'priced',
    '--json',
  ]);
  assert.equal(known.code, 0, known.stdout);
  assert.doesNotMatch(known.stdout, /no price/);
  const priced = await readResults(join(place.folder, 'priced'));
  assert.ok(priced.summary.estimated_cost! > 0);
  const rows = await readCsv(join(place.folder, 'priced'));
  const sum = rows.reduce((nano, row) => nano + Math.round(Number(row['cost']) * 1e9), 0);
  assert.equal(sum, Math.round(priced.summary.estimated_cost! * 1e9));
  assert.equal(known.lines.at(-1)!['estimated_cost'], priced.summary.estimated_cost);
});

test('with --json standard output is JSON Lines and the last is the summary', async (t) => {
  const place = await createWorkplace(t, server, {
    latencyMs: 50,
    script: ({ prompt }) =>
      prompt.includes('number 2?') ? reply.status(422, { message: 'refused' }) : undefined,
  });
  const file = await place.write('prompts.json', promptTexts(5));
  const { code, lines } = await place.run(file, ['--json']);
  assert.equal(code, 3);
  assert.ok(lines.some(({ type }) => type === 'progress'));
  const summary = lines.at(-1)!;
  const { summary: reported } = await readResults(place.outputDir);
  assert.deepEqual(
    [
      summary['type'],
      summary['state'],
      summary['successful_items'],
      summary['failed_items'],
      summary['success_rate'],
    ],
    ['summary', 'partly_failed', 4, 1, 80],
  );
  for (const field of [
    'batch_id',
    'total_tokens',
    'estimated_cost',
    'duration_seconds',
    'results_file',
    'csv_file',
  ] as const)
    assert.equal(summary[field], reported[field], field);
});

test('what was simulated is marked everywhere, and asks nobody', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(3));
  const { code, stdout } = await place.cli(
    ['run', file, '--provider', 'simulated', '--simulate-latency', '10ms', '--output-dir', 'out'],
    { env: server.env },
  );
  assert.equal(code, 0, stdout);
  assert.equal(place.provider.requests, 0);
  assert.ok(
    stdout
      .split('\n')
      .filter((line) => line.includes(' done '))
      .every((line) => line.startsWith('[simulated]')),
  );
  const { summary, results } = await readResults(place.outputDir);
  assert.deepEqual([summary.simulated, summary.estimated_cost], [true, 0]);
  assert.ok(results.every((result) => result.simulated === true && result.completions.length === 2));
  assert.ok((await readCsv(place.outputDir)).every((row) => row['simulated'] === 'true'));
});

test("a prompt's own settings, messages and unknown fields come through", async (t) => {
  const place = await createWorkplace(t, server);
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello?' },
  ];
  const file = await place.write('prompts.json', {
    batch_name: 'Mixed',
    metadata: { owner: 'me' },
    prompts: [
      {
        prompt_id: 'own',
        messages,
        model: 'other',
        temperature: 0,
        top_p: 1,
        max_tokens: 9,
        completions: 3,
        tag: ['x'],
      },
      'plain',
    ],
  });
  assert.equal((await place.run(file)).code, 0);
  const { summary, metadata, results } = await readResults(place.outputDir);
  assert.deepEqual([summary.batch_name, metadata], ['Mixed', { owner: 'me' }]);
  assert.deepEqual(
    results.map(({ completions, fields }) => [completions.length, fields]),
    [
      [3, { tag: ['x'] }],
      [1, {}],
    ],
  );
  const asked = place.provider.requestsLog.find(({ prompt }) => prompt === 'Hello?')!.body;
  const { model, temperature, top_p, max_tokens, n } = asked;
  assert.deepEqual(
    { model, temperature, top_p, max_tokens, n },
    { model: 'other', temperature: 0, top_p: 1, max_tokens: 9, n: 3 },
  );
  assert.deepEqual(asked['messages'], messages);
});

test('hostile completions are kept whole in the JSON, harmless in the CSV, and never reach the terminal', async (t) => {
  const escape = '\u001b[31mred\u001b[0m \u001b]0;title\u0007';
  const texts = [
    '=HYPERLINK("http://x","y")',
    '+1',
    '-2\r\nsecond "line", with; everything',
    '@sum',
    '\tlead',
    'emoji 👩‍👩‍👧 é',
    'a\u0000b',
    '</script><script>alert(1)</script>',
    escape,
    `200 KB ${'ä'.repeat(100_000)}`,
  ];
  const refused = `refused: ${escape}`;
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) => {
      const number = Number(/\d+/.exec(prompt)![0]);
      return number > texts.length
        ? reply.status(400, { message: refused })
        : reply.ok({ text: texts[number - 1]! });
    },
  });
  const file = await place.write('prompts.json', promptTexts(texts.length + 1));
  const { code, stdout, stderr } = await place.run(file);
  assert.equal(code, 3, stderr);
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(stdout + stderr, /[\u0000-\u0008\u000b-\u001f\u007f]/);
  assert.match(stdout, /refused: .*red/);
  const { results } = await readResults(place.outputDir);
  assert.deepEqual(
    results.slice(0, -1).map(({ completions }) => completions[0]!.text),
    texts,
  );
  const cells = (await readCsv(place.outputDir)).slice(0, -1).map((row) => row['completion_1']!);
  for (const [index, text] of texts.entries()) {
    const cell = cells[index]!;
    if (/^[=+\-@\t]/.test(text)) assert.equal(cell, `'${text}`);
    else if (!text.includes('\u0000') && !text.includes('\u001b')) assert.equal(cell, text);
    assert.doesNotMatch(cell, /^[=+\-@\t\r]/);
  }
});

test('the API key is in no file and no output, even where the provider echoes it', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt, headers, promptCount }) => {
      const echo = `Incorrect API key provided: ${headers.authorization}, that is ${testKey}`;
      if (prompt.includes('number 1?')) return reply.status(400, { message: echo });
      if (prompt.includes('number 2?') && promptCount === 1) return reply.status(500, { message: echo });
      return prompt.includes('number 4?') ? reply.status(401, { message: echo }) : undefined;
    },
  });
  // Only `.env` in the working folder has the key.
  const { OPENAI_API_KEY: _, DEEPSEEK_API_KEY: __, ...env } = place.env;
  await place.write('.env', `OPENAI_API_KEY=${testKey}\n`);
  const file = await place.write('prompts.json', promptTexts(4));
  const run = await place.run(file, ['--id', 'secret', '--max-workers', '1'], { env });
  assert.equal(run.code, 5, run.stdout + run.stderr);
  assert.match(run.stdout, /Incorrect API key/);
  assert.equal(place.provider.requestsLog[0]!.headers.authorization, `Bearer ${testKey}`);
  const status = await place.cli(['status', 'secret', '--json'], { env });
  const report = await place.cli(['report', 'secret'], { env });
  for (const { stdout, stderr } of [run, status, report]) assert.ok(!(stdout + stderr).includes(testKey));
  for (const folder of [place.outputDir, server.home]) {
    const paths = (await readdir(folder, { recursive: true })).map((name) => join(folder, name));
    assert.ok(paths.length > 0);
    for (const path of paths) {
      if ((await stat(path)).isFile())
        assert.equal((await readFile(path)).includes(testKey), false, `${path} holds the key`);
    }
  }
  assert.deepEqual(await batchIdsIn(place.outputDir), ['secret']);
});
