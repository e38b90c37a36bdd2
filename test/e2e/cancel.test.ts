import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { createGate, createWorkplace, newestResults, promptTexts, type Workplace } from './workplace.ts';

const server = useTestServer();

const PROMPTS = 9;
const flagsOf = (id: string) => ['--id', id, '--max-workers', '3'];

/** A run of nine prompts, three of them answered and three held back by the provider. */
async function startHalf(t: Parameters<typeof createWorkplace>[0], id: string) {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: (request) => (request.total > 3 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(PROMPTS));
  const run = place.startRun(file, flagsOf(id));
  await provider.until(() => provider.answered.requests === 3 && provider.inFlight === 3);
  return { gate, place, provider, file, run };
}

async function assertCancelled(place: Workplace, succeeded: number): Promise<void> {
  const { summary, results } = await newestResults(place.outputDir);
  assert.deepEqual(
    [summary.state, summary.successful_items, summary.failed_items, summary.not_run_items],
    ['cancelled', succeeded, 0, PROMPTS - succeeded],
  );
  assert.equal(results.filter(({ status }) => status === 'not_run').length, PROMPTS - succeeded);
}

/** `run` goes on with a cancelled batch and buys what it lacks. */
async function assertGoesOn(place: Workplace, file: string, id: string, missing: number): Promise<void> {
  const asked = place.provider.requests;
  const { code, stdout, stderr } = await place.run(file, flagsOf(id));
  assert.equal(code, 0, stdout + stderr);
  assert.equal(place.provider.requests - asked, missing);
  const { summary } = await newestResults(place.outputDir);
  assert.deepEqual([summary.state, summary.successful_items], ['succeeded', PROMPTS]);
}

test('cancel of a live run lets what is in progress finish, reports, and "run" can go on', async (t) => {
  const { gate, place, provider, file, run } = await startHalf(t, 'cancelled');
  const cancel = place.start(['cancel', 'cancelled']);
  await cancel.said(/Cancelling/);
  await run.said(/cancelling/);
  gate.open();
  const [cancelEnd, runEnd] = await Promise.all([cancel.ended, run.ended]);
  assert.equal(cancelEnd.code, 0, cancelEnd.stdout + cancelEnd.stderr);
  assert.equal(runEnd.code, 4, runEnd.stdout + runEnd.stderr);
  assert.deepEqual([provider.requests, provider.abortedByClient], [6, 0]);
  await assertCancelled(place, 6);
  assert.equal((await place.cli(['status', 'cancelled', '--json'])).lines[0]!['state'], 'cancelled');
  const twice = await place.cli(['cancel', 'cancelled']);
  assert.equal(twice.code, 2);
  assert.match(twice.stderr, /cancelled is not running/);
  const asked = provider.requests;
  const retried = await place.cli(['retry', 'cancelled']);
  assert.equal(retried.code, 2, retried.stdout + retried.stderr);
  assert.match(retried.stderr, /batch cancelled was cancelled.*durabatch resume cancelled/);
  assert.equal(provider.requests, asked);
  await assertGoesOn(place, file, 'cancelled', 3);
});

test('cancel --now does not wait for the requests in flight', async (t) => {
  const { gate, place, provider, file, run } = await startHalf(t, 'cancelled-now');
  const cancel = await place.cli(['cancel', 'cancelled-now', '--now', '--json']);
  assert.equal(cancel.code, 0, cancel.stdout + cancel.stderr);
  assert.equal(cancel.lines.at(-1)!['state'], 'cancelled');
  assert.equal((await run.ended).code, 4);
  assert.deepEqual([provider.requests, provider.abortedByClient], [6, 3]);
  await assertCancelled(place, 3);
  gate.open();
  await assertGoesOn(place, file, 'cancelled-now', 6);
});

test('cancel of a crashed batch closes it without buying anything', async (t) => {
  const { gate, place, provider, file, run } = await startHalf(t, 'crashed');
  run.kill('SIGKILL');
  await run.ended;
  gate.open();
  const cancel = await place.cli(['cancel', 'crashed']);
  assert.equal(cancel.code, 0, cancel.stdout + cancel.stderr);
  assert.equal(provider.requests, 6);
  await assertCancelled(place, 3);
  await assertGoesOn(place, file, 'crashed', 6);
});

test('cancel of a paused batch closes it without buying anything, and "run" can go on', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ total }) => (total > 3 ? reply.status(402, { message: 'Insufficient Balance' }) : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(PROMPTS));
  assert.equal((await place.run(file, flagsOf('paused'))).code, 5);
  const asked = provider.requests;
  const cancel = await place.cli(['cancel', 'paused']);
  assert.equal(cancel.code, 0, cancel.stdout + cancel.stderr);
  assert.equal(provider.requests, asked);
  await assertCancelled(place, 3);
  provider.script = undefined;
  await assertGoesOn(place, file, 'paused', PROMPTS - 3);
});
