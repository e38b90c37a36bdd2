import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import {
  createGate,
  createWorkplace,
  promptTexts,
  readLedger,
  readResults,
  type Workplace,
} from './workplace.ts';

/** Windows cannot send these signals to a process. */
const skip = process.platform === 'win32';

const server = useTestServer();

const answersOf = async (place: Workplace, id: string): Promise<number> =>
  (await readLedger(join(place.outputDir, id))).filter(({ type }) => type === 'answer').length;

describe('the first signal waits for the requests in flight and loses none of them', { skip }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(signal, async (t) => {
      const gate = createGate();
      // One completion a request, two a prompt: a stopping prompt ends after the sample in hand.
      const place = await createWorkplace(t, server, { honourN: false, script: gate.script });
      const { provider } = place;
      const id = `interrupted-${signal.toLowerCase()}`;
      const file = await place.write('prompts.json', promptTexts(10));
      const run = place.startRun(file, ['--id', id, '--max-workers', '4', '--completions', '2']);
      await provider.until(() => provider.inFlight === 4);
      run.kill(signal);
      await run.said(/waiting for 4 requests in flight/);
      gate.open();
      const { code, stdout } = await run.ended;
      assert.equal(code, 130);
      assert.match(stdout, new RegExp(`^ *durabatch resume ${id}$`, 'm'));
      assert.deepEqual([provider.requests, provider.answered.requests, provider.abortedByClient], [4, 4, 0]);
      assert.equal(await answersOf(place, id), 4);

      const resumed = await place.cli(['resume', id]);
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      assert.equal(provider.requests, 20);
      assert.equal((await readResults(place.outputDir)).summary.successful_items, 10);
    });
  }
});

test(
  'the second signal leaves at once; what was in flight may be bought again, nothing else',
  { skip },
  async (t) => {
    const gate = createGate();
    const place = await createWorkplace(t, server, {
      script: (request) => (request.total > 3 ? gate.script() : undefined),
    });
    const { provider } = place;
    const file = await place.write('prompts.json', promptTexts(8));
    const run = place.startRun(file, ['--id', 'left', '--max-workers', '2']);
    await provider.until(() => provider.answered.requests === 3 && provider.inFlight === 2);
    run.kill('SIGINT');
    await run.said(/waiting for 2 requests in flight/);
    run.kill('SIGINT');
    assert.equal((await run.ended).code, 130);
    await provider.until(() => provider.abortedByClient === 2);
    gate.open();
    const again = await place.run(file, ['--id', 'left', '--max-workers', '2']);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.deepEqual([provider.requests, provider.answered.requests], [10, 8]);
  },
);

test('with nothing in flight but waits for a retry, the signal ends the command', { skip }, async (t) => {
  // The first refusal holds back everyone: both have to be on their way before it.
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: async () => (await gate.script()) ?? reply.status(429, { headers: { 'retry-after': '600' } }),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(2));
  const run = place.startRun(file, ['--id', 'waiting', '--json']);
  await provider.until(() => provider.inFlight === 2);
  gate.open();
  await provider.until(() => provider.requests === 2 && provider.inFlight === 0);
  run.kill('SIGINT');
  const { code, lines } = await run.ended;
  assert.equal(code, 130);
  assert.deepEqual(lines.at(-1), {
    type: 'interrupted',
    batch_id: 'waiting',
    next_step: {
      advice: 'Every answer that came back is kept. To continue:',
      command: 'durabatch resume waiting',
    },
  });
});
