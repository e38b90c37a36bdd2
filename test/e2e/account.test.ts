import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { LEASED_SHARE } from '../../src/workflows/account/share-account.ts';
import { accountViewOf } from '../support/account-view.ts';
import { tokenBucket } from '../support/provider-limits.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { firstOf } from '../support/until.ts';
import {
  createGate,
  createWorkplace,
  printedWhen,
  promptTexts,
  readResults,
  statusWhen,
} from './workplace.ts';

const server = useTestServer();

/** Far below what a slow machine can do: who gets how much is decided by the account alone. */
const RPM = 480;
/** What the provider lets pass at once: three seconds of the limit. Two batches at twice the rate use it up. */
const BURST = (3 * RPM) / 60;
const PROMPTS = 110;
/** The last prompts of both are answered when the test has seen enough: no batch ends before. */
const isLate = (prompt: string): boolean => Number(/(\d+)\?$/.exec(prompt)![1]) > 100;

test('two batches share an account fairly, also when a worker is killed, and the provider refuses next to nothing', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    limit: tokenBucket(RPM / 60, BURST, true),
    latencyMs: 100,
    script: ({ prompt }) => (isLate(prompt) ? gate.script() : undefined),
  });
  const { provider } = place;
  const account = ['--rpm', String(RPM), '--account', 'acme', '--max-workers', '20'];
  const files = await Promise.all(
    ['first', 'second'].map((name) =>
      place.write(
        `${name}.json`,
        promptTexts(PROMPTS).map((text) => `${name} ${text}`),
      ),
    ),
  );
  const countOf = (name: string): number =>
    provider.requestsLog.filter(({ prompt }) => prompt.startsWith(name)).length;

  const first = place.startRun(files[0]!, [...account, '--id', 'first']);
  const second = place.startRun(files[1]!, [...account, '--id', 'second']);
  await provider.until(() => countOf('first') >= 5 && countOf('second') >= 5);
  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  const client = new Client({ connection });
  const half = Math.round((RPM / 2) * LEASED_SHARE);
  await firstOf(
    async () => (await accountViewOf(client, 'acme'))?.batches ?? [],
    (batches) => batches.length === 2 && batches.every(({ rates }) => Math.round(rates.requests!) === half),
    `two batches that may send ${half} requests a minute each`,
  );
  const then = [countOf('first'), countOf('second')] as const;
  await provider.until(() => countOf('first') + countOf('second') >= then[0] + then[1] + 40);
  const sent = [countOf('first') - then[0], countOf('second') - then[1]];
  assert.ok(Math.min(...sent) >= 10, `${sent.join(' and ')} requests side by side`);
  await statusWhen(place, 'second', ({ account: told }) =>
    String(told).startsWith('acme: 480 requests a minute, shared with 1 other batch; this batch may'),
  );
  first.kill('SIGKILL');
  await first.ended;
  gate.open();
  assert.equal((await second.ended).code, 0);
  assert.match(second.output, /Account acme: 2 batches share its 480 requests a minute/);
  const again = await place.cli(['resume', 'first']);
  assert.equal(again.code, 0, again.stdout + again.stderr);

  const { requests, refusedByLimit } = provider;
  assert.ok(refusedByLimit <= requests / 100, `${refusedByLimit} of ${requests} requests were refused`);
});

test('prompts whose turn is far wait in Temporal, and what they wait for is said', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(3));
  const run = place.startRun(file, ['--rpm', '1', '--account', 'slow', '--id', 'slow']);
  await run.said(/All 3 prompts in progress wait for their turns: account slow allows 1 requests a minute/);
  await printedWhen(place, ['status', 'slow'], /^Account +slow: 1 requests a minute/m);
  run.kill('SIGINT');
  assert.equal((await run.ended).code, 130);
});

test('limits of an account are set while the batch runs', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  // Six minutes, at the pace it begins with.
  const file = await place.write('prompts.json', promptTexts(120));
  const run = place.startRun(file, [
    ...['--rpm', '20', '--account', 'raised', '--max-workers', '2', '--completions', '1', '--id', 'raised'],
  ]);
  await provider.until(() => provider.answered.requests >= 1);
  const set = await place.cli(['set', 'raised', '--rpm', '6000', '--reason', 'a better plan']);
  assert.equal(set.code, 0, set.stdout + set.stderr);
  const ended = await run.ended;
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  assert.equal(provider.requests, 120);
  const { settings } = await readResults(place.outputDir);
  assert.deepEqual([settings.account, settings.requests_per_minute], ['raised', 6000]);
});
