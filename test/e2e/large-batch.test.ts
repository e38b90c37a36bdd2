/** What holds for a batch that one workflow works through holds over many shards: one batch goes through all of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { createGate, createWorkplace, loseTemporalDatabase, promptTexts, readResults } from './workplace.ts';

const PROMPTS = 1600;
const WORKERS = 40;
const prompts = promptTexts(PROMPTS);
const jsonLines = prompts.map((prompt) => JSON.stringify({ prompt })).join('\n');
const flags = ['--max-workers', String(WORKERS), '--max-attempts', '1'];
const id = 'large';
/** A dollar a million tokens: all prompts together come to some 5 cents. */
const prices = ['--price-input', '1', '--price-output', '1'];

const server = useTestServer();

test('capped, paused, killed, without its database, retried and audited: each answer is bought once', async (t) => {
  const refused = new Set([prompts[3]!, prompts[1203]!]);
  const place = await createWorkplace(t, server, {
    latencyMs: 20,
    script: ({ prompt }) =>
      refused.has(prompt) ? reply.status(400, { message: 'no such parameter' }) : undefined,
  });
  const { provider } = place;
  const file = await place.write('prompts.jsonl', jsonLines);
  const run = (more: readonly string[] = []) => place.run(file, [...flags, ...prices, '--id', id, ...more]);
  const told = (end: { stdout: string; stderr: string }): string => end.stdout + end.stderr;

  // A cost cap stops it early, with no more spent than the cap.
  const capped = await run(['--max-cost', '0.02']);
  assert.equal(capped.code, 5, told(capped));
  assert.match(capped.stdout, /paused \(budget\)/);
  const billed = (provider.answered.promptTokens + provider.answered.completionTokens) / 1e6;
  assert.ok(billed <= 0.02 && provider.answered.requests < 0.8 * PROMPTS, `$${billed}`);
  assert.ok(provider.answered.requests > 50, `${provider.answered.requests} answers under the cap`);

  // Resumed with more money it is killed soon after.
  const bought = provider.answered.requests;
  const { script } = provider;
  const last = provider.requests + 100;
  const gate = createGate();
  provider.script = (request) => (request.total > last ? gate.script() : script?.(request));
  const resumed = place.start(['resume', id, '--max-cost', '5']);
  await provider.until(() => provider.answered.requests >= bought + 90 && provider.requests > last);
  resumed.kill('SIGKILL');
  await resumed.ended;
  gate.open();

  // The Temporal database is lost too, and then the account blocks it.
  await loseTemporalDatabase(place, server);
  await provider.until(() => provider.inFlight === 0);
  const until = provider.answered.requests + 100;
  provider.script = (request) =>
    provider.answered.requests >= until
      ? reply.status(402, { message: 'Insufficient Balance' })
      : script?.(request);
  const blocked = await run();
  assert.equal(blocked.code, 5, told(blocked));
  assert.match(blocked.stdout, /paused \(account\): .*Insufficient Balance/);
  assert.doesNotMatch(blocked.stdout, /^Prompts   0 succeeded/m);

  // Cancelled in its pause, it goes on when it is resumed.
  const cancelled = await place.cli(['cancel', id]);
  assert.equal(cancelled.code, 0, told(cancelled));
  provider.script = script;
  const finished = await place.cli(['resume', id]);
  assert.equal(finished.code, 3, told(finished));
  assert.match(finished.stdout, /1,598 succeeded · 2 failed/);

  // What failed can be asked again.
  refused.clear();
  const retried = await place.cli(['retry', id]);
  assert.equal(retried.code, 0, told(retried));

  const inFlightAtKill = provider.answered.requests - PROMPTS;
  assert.ok(inFlightAtKill >= 0 && inFlightAtKill <= WORKERS, `${inFlightAtKill} answers bought twice`);
  assert.ok(provider.peakInFlight <= WORKERS, `${provider.peakInFlight} at once`);
  const audited = await place.cli(['audit', id]);
  assert.equal(audited.code, 0, told(audited));

  const again = await place.run(file, ['--id', 'again', '--reuse', id, '--max-workers', '40']);
  assert.equal(again.code, 0, told(again));
  assert.match(told(again), /1,600 completions of identical requests taken over from large/);
  assert.equal(provider.answered.requests - PROMPTS, inFlightAtKill, 'nothing was asked for what is there');
});

test('the results of a large batch stand in input order, and its shards are named by their prompts', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.jsonl', jsonLines.split('\n').slice(0, 1100).join('\n'));
  const { code, lines } = await place.run(file, ['--max-workers', '600', '--json', '--id', 'in-order']);
  assert.equal(code, 0);
  assert.equal(lines.at(-1)?.['successful_items'], 1100);
  const { results } = await readResults(place.outputDir);
  assert.deepEqual(
    results.map(({ prompt }) => prompt),
    prompts.slice(0, 1100),
  );
  assert.ok(place.provider.peakInFlight <= 600);
});
