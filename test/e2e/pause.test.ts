import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FakeReply, reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { createWorkplace, loseTemporalDatabase, manifestIn, promptTexts, readResults } from './workplace.ts';

const server = useTestServer();

const noBalance = reply.status(402, { message: 'Insufficient Balance' });

test('402 in the middle: exit 5 with the reason, no prompt fails, and only "resume" goes on', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ total }) => (total > 10 ? noBalance : undefined),
  });
  const { provider } = place;
  const texts = promptTexts(24);
  const file = await place.write('prompts.json', texts);
  const run = () => place.run(file, ['--id', 'no-balance']);

  const paused = await run();
  assert.equal(paused.code, 5, paused.stdout + paused.stderr);
  assert.match(paused.stdout, /paused \(account\): .*Insufficient Balance/);
  assert.match(paused.stdout, /^ *durabatch resume no-balance$/m);
  assert.match(paused.stdout, /10 succeeded · 0 failed/);

  const status = (await place.cli(['status', 'no-balance', '--json'])).lines.at(-1)!;
  assert.equal(status['state'], 'paused');
  assert.equal(status['pause'].reason, 'account');
  assert.deepEqual([status['succeeded'], status['failed'], status['pending']], [10, 0, 14]);

  const asked = provider.requests;
  provider.script = undefined;
  assert.equal((await run()).code, 5, '"run" lifts no pause');
  await loseTemporalDatabase(place, server);
  const afterLoss = await run();
  assert.equal(afterLoss.code, 5, 'nor does it where the Temporal database is lost');
  assert.match(afterLoss.stdout, /paused \(account\): .*Insufficient Balance/);
  assert.equal(provider.requests, asked);

  const resumed = await place.cli(['resume', 'no-balance']);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.equal(provider.answered.requests, 24);
  const { summary, results } = await readResults(place.outputDir);
  assert.deepEqual([summary.state, summary.successful_items, summary.failed_items], ['succeeded', 24, 0]);
  assert.deepEqual(
    results.map(({ prompt }) => prompt),
    texts,
  );
});

test('time in which a batch is paused is told apart from time at work, in report, manifest and summary', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ total }) => (total > 2 ? noBalance : undefined),
  });
  const file = await place.write('prompts.json', promptTexts(4));
  const paused = await place.run(file, ['--id', 'overnight', '--max-workers', '1', '--json']);
  assert.equal(paused.code, 5, paused.stderr);
  place.provider.script = undefined;
  const resumed = await place.cli(['resume', 'overnight', '--json']);
  assert.equal(resumed.code, 0, resumed.stderr);

  const { runs } = await manifestIn(place, 'overnight');
  const [run] = runs;
  assert.equal(runs.length, 1, 'it was resumed, not begun again');
  assert.equal(run!.pauses?.length, 1);
  const { since, until = '' } = run!.pauses[0]!;
  assert.equal(since, paused.lines.at(-1)!['pause'].since);
  const seconds = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;
  const { summary } = await readResults(place.outputDir);
  assert.equal(summary.paused_seconds, seconds(since, until));
  const whole = seconds(run!.started_at, run!.ended_at!);
  assert.equal(Math.round((summary.duration_seconds + summary.paused_seconds) * 1000), whole * 1000);
  const told = resumed.lines.at(-1)!;
  assert.deepEqual(
    [told['duration_seconds'], told['paused_seconds'], told['bill']],
    [summary.duration_seconds, summary.paused_seconds, summary.bill],
  );
  assert.deepEqual(
    [run!.outcome!.durationSeconds, run!.outcome!.pausedSeconds],
    [summary.duration_seconds, summary.paused_seconds],
  );
});

describe('what blocks the account pauses the batch and fails no prompt', () => {
  const refusals: [string, FakeReply][] = [
    ['401', reply.status(401, { message: 'Authentication Fails' })],
    ['403', reply.status(403, { message: 'Country not supported' })],
    ['404', reply.status(404, { message: 'The model does not exist' })],
    [
      '429 for a used-up quota',
      reply.status(429, { message: 'You exceeded your quota', code: 'insufficient_quota' }),
    ],
  ];
  for (const [title, refusal] of refusals) {
    test(title, async (t) => {
      const place = await createWorkplace(t, server, { script: () => refusal });
      const file = await place.write('prompts.json', promptTexts(4));
      const { code, lines } = await place.run(file, ['--json']);
      const summary = lines.at(-1)!;
      assert.equal(code, 5);
      assert.deepEqual(
        [summary['type'], summary['state'], summary['pause'].reason],
        ['summary', 'paused', 'account'],
      );
      assert.deepEqual([summary['failed_items'], summary['successful_items']], [0, 0]);
      assert.equal(summary['next_step'].command, `durabatch resume ${summary['batch_id']}`);
    });
  }
});

test('the first ten prompts refused with one message pause the batch; the rest can be resumed', async (t) => {
  const place = await createWorkplace(t, server, {
    script: () => reply.status(400, { message: 'max_tokens is too large' }),
  });
  const file = await place.write('prompts.json', promptTexts(15));
  const paused = await place.run(file, ['--id', 'all-refused', '--max-workers', '1', '--json']);
  assert.equal(paused.code, 5);
  const summary = paused.lines.at(-1)!;
  assert.equal(summary['pause'].reason, 'failures');
  assert.match(summary['pause'].message, /max_tokens is too large/);
  assert.deepEqual([summary['failed_items'], place.provider.requests], [10, 10]);

  place.provider.script = undefined;
  const resumed = await place.cli(['resume', 'all-refused', '--json']);
  assert.equal(resumed.code, 3, resumed.stdout + resumed.stderr);
  assert.deepEqual(
    [resumed.lines.at(-1)!['failed_items'], resumed.lines.at(-1)!['successful_items']],
    [10, 5],
  );
  assert.equal(place.provider.requests, 15);
});

test("some prompts refused: they fail at once with the provider's words, and the batch ends with 3", async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) =>
      /number (3|7)\?/.test(prompt) ? reply.status(400, { message: 'content policy' }) : undefined,
  });
  const file = await place.write('prompts.json', promptTexts(12));
  const { code, stdout } = await place.run(file);
  assert.equal(code, 3);
  assert.match(stdout, /2 prompts failed with Completion\.Rejected/);
  const { summary, results } = await readResults(place.outputDir);
  assert.equal(summary.state, 'partly_failed');
  assert.deepEqual(
    results
      .filter(({ status }) => status === 'failed')
      .map(({ prompt_id, error }) => [prompt_id, error?.type, error?.attempts]),
    [
      ['prompt_0003', 'Completion.Rejected', 1],
      ['prompt_0007', 'Completion.Rejected', 1],
    ],
  );
  assert.match(results[2]!.error!.message, /content policy/);
  assert.equal(place.provider.requests, 12);
});

test('faults count against --max-attempts, rate limits do not', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt, promptCount }) => {
      if (prompt.includes('number 1?')) return reply.status(500);
      return promptCount <= 3 ? reply.status(429, { headers: { 'retry-after-ms': '20' } }) : undefined;
    },
  });
  const file = await place.write('prompts.json', promptTexts(3));
  const { code, stdout } = await place.run(file, ['--max-attempts', '2']);
  assert.equal(code, 3, stdout);
  const { results } = await readResults(place.outputDir);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['failed', 'succeeded', 'succeeded'],
  );
  assert.deepEqual([results[0]!.error!.type, results[0]!.error!.attempts], ['Completion.Fault', 2]);
  assert.equal(place.provider.requests, 2 + 4 + 4);
});

test('a provider that is down longer than --patience pauses the batch; "resume" finishes it when it is back', async (t) => {
  const place = await createWorkplace(t, server, {
    script: () => reply.status(503, { message: 'overloaded' }),
  });
  const file = await place.write('prompts.json', promptTexts(6));
  const paused = await place.run(file, ['--id', 'provider-down', '--patience', '2s', '--json']);
  assert.equal(paused.code, 5, paused.stdout + paused.stderr);
  const summary = paused.lines.at(-1)!;
  assert.equal(summary['pause'].reason, 'provider');
  assert.match(summary['pause'].message, /overloaded/);
  assert.equal(summary['failed_items'], 0);

  place.provider.script = undefined;
  const resumed = await place.cli(['resume', 'provider-down']);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.equal(place.provider.answered.requests, 6);
});
