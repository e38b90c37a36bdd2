import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FakeScript, reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import {
  createGate,
  createWorkplace,
  newestResults,
  promptTexts,
  reportFiles,
  type Workplace,
} from './workplace.ts';

const server = useTestServer();

/** Requests per prompt number since the counts were taken; those without any are left out. */
function askedSince({ provider }: Workplace, earlier: ReadonlyMap<string, number>): Record<string, number> {
  const more = [...provider.requestsPerPrompt].map(
    ([prompt, count]) => [/\d+/.exec(prompt)![0], count - (earlier.get(prompt) ?? 0)] as const,
  );
  return Object.fromEntries(more.filter(([, count]) => count > 0));
}
const counts = ({ provider }: Workplace): Map<string, number> => new Map(provider.requestsPerPrompt);

const readReports = async ({ outputDir }: Workplace): Promise<Map<string, string>> => {
  const names = [...(await reportFiles(outputDir, '.json')), ...(await reportFiles(outputDir, '.csv'))];
  const texts = await Promise.all(names.map((name) => readFile(join(outputDir, name), 'utf8')));
  return new Map(names.map((name, position) => [name, texts[position]!]));
};

test('only the failed prompts are asked again, only for what they lack, and the new report has all', async (t) => {
  // One completion a request: the first comes, the second is refused.
  const place = await createWorkplace(t, server, {
    honourN: false,
    script: ({ prompt, promptCount }) =>
      /number (3|7)\?/.test(prompt) && promptCount === 2
        ? reply.status(400, { message: 'not now' })
        : undefined,
  });
  const texts = promptTexts(10);
  const file = await place.write('prompts.json', texts);
  const prices = ['--price-input', '1', '--price-output', '10'];
  const first = await place.run(file, ['--id', 'again', '--completions', '2', ...prices, '--json']);
  const ended = first.lines.at(-1)!;
  assert.deepEqual([first.code, ended['failed_items']], [3, 2], first.stdout);
  assert.ok(ended['next_step'].command.startsWith(`durabatch run ${ended['failures_file']}`), first.stdout);
  const kept = await newestResults(place.outputDir);
  assert.deepEqual(kept.results[2]!.completions.length, 1, 'the first completion of prompt 3 is there');
  const oldReports = await readReports(place);
  const asked = counts(place);

  const retried = await place.cli(['retry', 'again', '--json']);
  const summary = retried.lines.at(-1)!;
  assert.deepEqual(
    [retried.code, summary['successful_items'], summary['failed_items']],
    [0, 10, 0],
    retried.stdout + retried.stderr,
  );
  assert.match(retried.stdout, /2 failed prompts to be asked again/);
  assert.deepEqual(askedSince(place, asked), { 3: 1, 7: 1 });

  const { summary: merged, results } = await newestResults(place.outputDir);
  assert.deepEqual(
    results.map(({ prompt, status, completions }) => [prompt, status, completions.length]),
    texts.map((prompt) => [prompt, 'succeeded', 2]),
  );
  assert.equal(results[2]!.completions[0]!.text, kept.results[2]!.completions[0]!.text);
  assert.equal(results[2]!.completions[0]!.record_id, kept.results[2]!.completions[0]!.record_id);
  assert.equal(merged.prompt_tokens, place.provider.answered.promptTokens);
  assert.equal(merged.completion_tokens, place.provider.answered.completionTokens);
  assert.equal(merged.bill.paid_and_discarded, 0);
  const reports = await readReports(place);
  assert.equal(reports.size, oldReports.size + 2);
  for (const [name, text] of oldReports) assert.equal(reports.get(name), text, `${name} is as it was`);

  const nothing = await place.cli(['retry', 'again']);
  assert.equal(nothing.code, 0, nothing.stderr);
  assert.match(nothing.stderr, /Nothing to retry: every prompt has its completions/);
  assert.equal((await readReports(place)).size, reports.size);
  assert.deepEqual(askedSince(place, asked), { 3: 1, 7: 1 });
});

test('prompts that fail again say why they did this time, and can be retried again', async (t) => {
  const refusing =
    (message: string): FakeScript =>
    ({ prompt }) =>
      /number (2|4)\?/.test(prompt) ? reply.status(400, { message }) : undefined;
  const place = await createWorkplace(t, server, { script: refusing('the first time') });
  const file = await place.write('prompts.json', promptTexts(5));
  assert.equal((await place.run(file, ['--id', 'stubborn'])).code, 3);

  place.provider.script = refusing('the second time');
  const second = await place.cli(['retry', 'stubborn', '--json']);
  assert.deepEqual([second.code, second.lines.at(-1)!['failed_items']], [3, 2], second.stdout);
  const { results, summary } = await newestResults(place.outputDir);
  assert.equal(summary.successful_items, 3);
  const { error } = results[1]!;
  assert.equal(error?.message, 'HTTP 400: the second time');
  assert.deepEqual(
    error?.attempt_log.map(({ run, message }) => [run, message]),
    [
      [1, 'HTTP 400: the first time'],
      [2, 'HTTP 400: the second time'],
    ],
    'what happened before is still told',
  );

  place.provider.script = undefined;
  const third = await place.cli(['retry', 'stubborn']);
  assert.equal(third.code, 0, third.stdout + third.stderr);
  assert.equal(place.provider.requests, 5 + 2 + 2);
});

test('killed half way, "resume" asks only for the rest', async (t) => {
  const isFailing = (prompt: string): boolean => Number(/\d+/.exec(prompt)![0]) % 2 === 0;
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) => (isFailing(prompt) ? reply.status(400, { message: prompt }) : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(24));
  assert.equal((await place.run(file, ['--id', 'half', '--max-workers', '8'])).code, 3);
  const asked = counts(place);
  const answered = provider.answered.requests;
  const fifth = provider.requests + 5;
  const gate = createGate();
  provider.script = ({ total }) => (total > fifth ? gate.script() : undefined);

  const retry = place.start(['retry', 'half', '--max-workers', '2']);
  await provider.until(() => provider.answered.requests === answered + 5 && provider.inFlight === 2);
  retry.kill('SIGKILL');
  await retry.ended;
  gate.open();
  await provider.until(() => provider.inFlight === 0);

  const resumed = await place.cli(['resume', 'half', '--json']);
  const summary = resumed.lines.at(-1)!;
  assert.deepEqual([resumed.code, summary['successful_items']], [0, 24], resumed.stdout + resumed.stderr);
  const again = askedSince(place, asked);
  assert.deepEqual(
    Object.keys(again).map(Number),
    Array.from({ length: 12 }, (_, i) => 2 * (i + 1)),
    'those that failed, and no others',
  );
  const twice = Object.values(again).filter((count) => count > 1).length;
  assert.ok(twice <= 2, `${twice} were asked twice: more than were in flight`);
  assert.equal((await newestResults(place.outputDir)).results.length, 24);
});

test('what went wrong with the first answers may be set right: cut off, and without text', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) => {
      if (prompt.includes('number 1?')) return reply.ok({ text: 'half an', finishReason: 'length' });
      return prompt.includes('number 2?') ? reply.emptyText() : undefined;
    },
  });
  const file = await place.write('prompts.json', promptTexts(3));
  const first = await place.run(file, ['--id', 'spoiled', '--reject-truncated']);
  assert.equal(first.code, 3, first.stdout + first.stderr);
  place.provider.script = undefined;
  const retried = await place.cli(['retry', 'spoiled', '--json']);
  assert.equal(retried.code, 0, retried.stdout + retried.stderr);
  const { results } = await newestResults(place.outputDir);
  assert.deepEqual(
    results.map(({ completions, discarded_answers }) => [
      completions[0]!.truncated,
      discarded_answers?.length ?? 0,
    ]),
    [
      [false, 1],
      [false, 1],
      [false, 0],
    ],
  );
});

test('of one request with a cut off and a whole completion, only the cut off one is bought again, and counts', async (t) => {
  const place = await createWorkplace(t, server, {
    script: () =>
      reply.raw(
        JSON.stringify({
          id: 'mixed',
          model: 'test-model',
          choices: [
            { index: 0, message: { content: 'half an' }, finish_reason: 'length' },
            { index: 1, message: { content: 'whole' }, finish_reason: 'stop' },
          ],
          usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
        }),
      ),
  });
  const file = await place.write('prompts.json', promptTexts(1));
  const first = await place.run(file, ['--id', 'mixed', '--reject-truncated', '--completions', '2']);
  assert.equal(first.code, 3, first.stdout + first.stderr);
  place.provider.script = () => reply.ok({ text: 'bought again' });
  const retried = await place.cli(['retry', 'mixed', '--json']);
  assert.equal(retried.code, 0, retried.stdout + retried.stderr);
  assert.equal(place.provider.requests, 2);
  const { results } = await newestResults(place.outputDir);
  assert.deepEqual(
    results[0]!.completions.map(({ text, truncated }) => [text, truncated]),
    [
      ['bought again', false],
      ['whole', false],
    ],
  );
  assert.match((await place.cli(['audit', 'mixed'])).stdout, /equal/);
});

test('a batch that nobody knows: exit 2', async (t) => {
  const place = await createWorkplace(t, server);
  const { code, stderr } = await place.cli(['retry', 'nowhere']);
  assert.equal(code, 2);
  assert.match(stderr, /there is no batch "nowhere"/);
});
