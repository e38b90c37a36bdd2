import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { atOnce, fixedWindow, type Limit, tokenBucket } from '../support/provider-limits.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import {
  batchIdIn,
  createWorkplace,
  promptTexts,
  readLedger,
  readResults,
  type Workplace,
} from './workplace.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

/** Runs so many prompts, and sees that each was answered once. */
async function runAll(place: Workplace, prompts: number, maxWorkers: string, timeoutMs = 120_000) {
  const file = await place.write('prompts.json', promptTexts(prompts));
  const flags = ['--max-workers', maxWorkers, '--json'];
  const { code, lines, stdout, stderr } = await place.run(file, flags, { timeoutMs });
  assert.equal(code, 0, stdout + stderr);
  assert.equal(place.provider.answered.requests, prompts);
  const paces = lines.flatMap(({ auto_workers: pace }) => pace ?? []) as {
    slots: number;
    ceiling: number;
    reason: string;
  }[];
  return paces;
}

describe('with auto at most 5 % of the requests are refused, at a limit of', () => {
  const rows: [title: string, prompts: number, limit: Limit, status: number][] = [
    ['60 in 2 seconds, which says when to come back', 300, fixedWindow(60, 2000, true), 429],
    ['a bucket of 20 that is filled by 40 a second, and says nothing', 300, tokenBucket(40, 20, false), 429],
    ['12 at once', 250, atOnce(12), 503],
    ['200 in 2 seconds, over many shards', 1001, fixedWindow(200, 2000, true), 429],
  ];
  for (const [title, prompts, limit, limitStatus] of rows) {
    test(title, async (t) => {
      const place = await createWorkplace(t, server, { limit, limitStatus, latencyMs: 100 });
      const paces = await runAll(place, prompts, 'auto');
      const { requests, refusedByLimit } = place.provider;
      assert.ok(refusedByLimit <= 0.05 * requests, `${refusedByLimit} of ${requests} were refused`);
      assert.ok(paces.every(({ ceiling }) => ceiling === 500));
      const { settings, results } = await readResults(place.outputDir);
      assert.equal(settings.max_workers, 'auto:500');
      assert.ok(results.every(({ status }) => status === 'succeeded'));
    });
  }
});

test('with auto and no limit it grows past its first few, and never past its ceiling', async (t) => {
  const place = await createWorkplace(t, server, { latencyMs: 200 });
  const paces = await runAll(place, 400, 'auto:25');
  const { peakInFlight } = place.provider;
  assert.ok(peakInFlight > 15 && peakInFlight <= 25, `${peakInFlight} at once`);
  assert.ok(paces.some(({ slots }) => slots > 15));
});

test('a Retry-After holds back the whole batch, also with a fixed number of workers', async (t) => {
  let refusals = 0;
  let refusedUntil = Number.NEGATIVE_INFINITY;
  const place = await createWorkplace(t, server, {
    // The first crowd is answered late: who is next in line then is held back.
    latencyMs: ({ total }) => (total < 5 ? 500 : 20),
    script: ({ total }) => {
      if (total === 5) refusedUntil = performance.now() + 3000;
      if (performance.now() >= refusedUntil) return undefined;
      if (total < 5) return undefined;
      refusals++;
      return reply.status(429, { headers: { 'retry-after': '3' } });
    },
  });
  await runAll(place, 40, '5');
  assert.equal(refusals, 1);
  const records = await readLedger(join(place.outputDir, await batchIdIn(place.outputDir)));
  assert.equal(records.filter(({ type }) => type === 'fault').length, 1);
});
