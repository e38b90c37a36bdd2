/** Time in which an open run had no worker is no time at work. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { useTestServer } from '../support/temporal-server.ts';
import {
  createGate,
  createWorkplace,
  manifestIn,
  promptTexts,
  readLedger,
  readResults,
} from './workplace.ts';

const server = useTestServer();

test('time before the first worker, after a crash and after Ctrl-C is told apart from time at work', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ total }) => (total === 2 ? createGate().script() : total === 4 ? gate.script() : undefined),
  });
  const { provider } = place;
  /** What has to lie in each of the three gaps: from the end of a process to the start of the next one. */
  const gaps: { from: string; to: string }[] = [];
  const begin = (from: string): void => void gaps.push({ from, to: new Date().toISOString() });

  const file = await place.write('prompts.json', promptTexts(5));
  const detached = await place.run(file, ['--id', 'idle', '--max-workers', '1', '--detach']);
  assert.equal(detached.code, 0, detached.stderr);

  begin(new Date().toISOString());
  const worker = place.start(['worker', '--output-dir', 'out']);
  await provider.until(() => provider.requests === 2);
  worker.kill('SIGKILL');
  await worker.ended;

  begin(new Date().toISOString());
  const stopped = place.start(['resume', 'idle']);
  await provider.until(() => provider.requests === 4);
  stopped.kill('SIGINT');
  await stopped.said(/Stopping/);
  gate.open();
  assert.equal((await stopped.ended).code, 130);

  begin(new Date().toISOString());
  const resumed = await place.cli(['resume', 'idle', '--json']);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);

  const { runs } = await manifestIn(place, 'idle');
  assert.equal(runs.length, 1);
  const [{ started_at: startedAt, ended_at: endedAt, idle = [], outcome }] = runs as [(typeof runs)[0]];
  assert.equal(idle.length, gaps.length, JSON.stringify(idle));
  assert.equal(idle[0]!.since, startedAt);
  const records = await readLedger(join(place.outputDir, 'idle'));
  for (const [index, { since, until }] of idle.entries()) {
    const { from, to } = gaps[index]!;
    assert.ok(since <= from && to <= until, `${since} to ${until} holds ${from} to ${to}`);
    const within = records.filter(({ at }) => at > since && at < until);
    assert.deepEqual(within, [], `nothing was done from ${since} to ${until}`);
  }

  const msOf = (from: string, to: string): number => Date.parse(to) - Date.parse(from);
  const idleMs = idle.reduce((sum, { since, until }) => sum + msOf(since, until), 0);
  const workMs = msOf(startedAt, endedAt!) - idleMs;
  const { summary } = await readResults(place.outputDir);
  const told = resumed.lines.at(-1)!;
  for (const [where, ...seconds] of [
    ['report', summary.duration_seconds, summary.idle_seconds, summary.paused_seconds],
    ['summary', told['duration_seconds'], told['idle_seconds'], told['paused_seconds']],
    ['manifest', outcome!.durationSeconds, outcome!.idleSeconds, outcome!.pausedSeconds],
  ])
    assert.deepEqual(seconds, [workMs / 1000, idleMs / 1000, 0], where);
});
