import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRateLimit } from '../support/rate-limited-provider.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import { createWorkplace, promptTexts, readResults } from './workplace.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

/** Requests in a window: `RPM` a minute. */
const REQUESTS = 150;
const WINDOW_MS = 6000;
const RPM = String((REQUESTS * 60_000) / WINDOW_MS);

const batchOf = (prompt: string): string => prompt.split(' ')[0]!;

test('two batches share an account fairly, also when a worker is killed, and the provider refuses next to nothing', async (t) => {
  const limit = createRateLimit({ requests: REQUESTS, windowMs: WINDOW_MS });
  const place = await createWorkplace(t, server, { script: limit.script, latencyMs: 100 });
  const { provider } = place;
  const account = ['--rpm', RPM, '--account', 'acme', '--max-workers', '20'];
  const files = await Promise.all(
    ['first', 'second'].map((name) =>
      place.write(
        `${name}.json`,
        promptTexts(130).map((text) => `${name} ${text}`),
      ),
    ),
  );
  const countOf = (name: string): number =>
    provider.requestsLog.filter(({ prompt }) => batchOf(prompt) === name).length;

  const first = place.startRun(files[0]!, [...account, '--id', 'first']);
  const second = place.startRun(files[1]!, [...account, '--id', 'second']);
  await provider.until(() => countOf('first') >= 5 && countOf('second') >= 5);
  const then = [countOf('first'), countOf('second')];
  await provider.until(() => countOf('first') + countOf('second') >= then[0]! + then[1]! + 80);
  const sent = [countOf('first') - then[0]!, countOf('second') - then[1]!];
  assert.ok(Math.abs(sent[0]! - sent[1]!) <= 8, `${sent[0]} and ${sent[1]} requests side by side`);
  // On a busy machine the batch may not answer in the second that `status` gives it.
  let told: string | null = null;
  for (let tries = 0; told === null && tries < 5; tries++)
    told = (await place.cli(['status', 'second', '--json'])).lines[0]!['account'] as string | null;
  assert.match(told ?? 'nothing', /^acme: 1500 requests a minute, shared with 1 other batch; this batch may/);
  first.kill('SIGKILL');
  await first.ended;
  assert.equal((await second.ended).code, 0);
  assert.match(second.output, /Account acme: 2 batches share its 1500 requests a minute/);
  const again = await place.cli(['resume', 'first']);
  assert.equal(again.code, 0, again.stdout + again.stderr);

  const all = provider.requests;
  assert.ok(limit.refused.length <= all / 100, `${limit.refused.length} of ${all} requests were refused`);
});

test('prompts whose turn is far wait in Temporal, and what they wait for is said', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(3));
  const run = place.startRun(file, ['--rpm', '2', '--account', 'slow', '--id', 'slow']);
  await run.said(/All 3 prompts in progress wait for their turns: account slow allows 2 requests a minute/);
  const { stdout } = await place.cli(['status', 'slow']);
  assert.match(stdout, /^Account +slow: 2 requests a minute/m);
  assert.equal(place.provider.requests, 0);
  run.kill('SIGINT');
  assert.equal((await run.ended).code, 130);
});

test('limits of an account are set while the batch runs', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  // A quarter of an hour, at the pace it begins with.
  const file = await place.write('prompts.json', promptTexts(300));
  const run = place.startRun(file, [
    ...['--rpm', '20', '--account', 'raised', '--max-workers', '2', '--completions', '1', '--id', 'raised'],
  ]);
  await provider.until(() => provider.answered.requests >= 1);
  const set = await place.cli(['set', 'raised', '--rpm', '6000', '--reason', 'a better plan']);
  assert.equal(set.code, 0, set.stdout + set.stderr);
  const ended = await run.ended;
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  assert.equal(provider.requests, 300);
  const { settings } = await readResults(place.outputDir);
  assert.deepEqual([settings.account, settings.requests_per_minute], ['raised', 6000]);
});
