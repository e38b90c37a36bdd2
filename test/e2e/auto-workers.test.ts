import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CliProcess } from '../support/cli.ts';
import { reply } from '../support/fake-provider.ts';
import { atOnce, fixedWindow, type Limit, tokenBucket } from '../support/provider-limits.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { until } from '../support/until.ts';
import {
  batchIdIn,
  createGate,
  createWorkplace,
  promptTexts,
  readLedger,
  readResults,
  type Workplace,
} from './workplace.ts';

const server = useTestServer();

/** Runs so many prompts, and sees that each was answered once. */
async function runAll(
  place: Workplace,
  prompts: number,
  maxWorkers: string,
  whileItRuns: (run: CliProcess) => Promise<void> = async () => {},
) {
  const file = await place.write('prompts.json', promptTexts(prompts));
  const flags = ['--max-workers', maxWorkers, '--json'];
  const run = place.startRun(file, flags);
  await whileItRuns(run);
  const { code, lines, stdout, stderr } = await run.ended;
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
  // What it has grown to is seen when nothing is answered any more, however long it takes to send that much.
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    latencyMs: 300,
    script: ({ total }) => (total > 330 ? gate.script() : undefined),
  });
  const { provider } = place;
  await runAll(place, 400, 'auto:25', async (run) => {
    await provider.until(() => provider.inFlight > 15);
    await run.said(/"auto_workers":\{"slots":(1[6-9]|2[0-5]),/);
    gate.open();
  });
  assert.ok(provider.peakInFlight <= 25, `${provider.peakInFlight} at once`);
});

test('a Retry-After holds back the whole batch, also with a fixed number of workers', async (t) => {
  let refusals = 0;
  let refusedUntil = Number.NEGATIVE_INFINITY;
  // The first crowd is answered when the refusal is known: who is next in line then is held back.
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ total }) => {
      if (total < 5) return gate.script();
      if (total === 5) refusedUntil = performance.now() + 3000;
      if (performance.now() >= refusedUntil) return undefined;
      refusals++;
      return reply.status(429, { headers: { 'retry-after': '3' } });
    },
  });
  const faults = async (): Promise<number> => {
    const records = await readLedger(join(place.outputDir, await batchIdIn(place.outputDir)));
    return records.filter(({ type }) => type === 'fault').length;
  };
  await runAll(place, 40, '5', async () => {
    await place.provider.until(() => refusals === 1);
    await until(async () => (await faults()) === 1);
    gate.open();
  });
  assert.equal(refusals, 1);
  assert.equal(await faults(), 1);
});
