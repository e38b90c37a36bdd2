import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import { createGate, createWorkplace, promptTexts, readResults } from './workplace.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

test('a worker does the detached batches of its folder, earlier and later ones, and no others', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(3));
  const detach = async (id: string, folder: string) => {
    const { code, lines, stderr } = await place.run(file, [
      '--id',
      id,
      '--output-dir',
      folder,
      '--detach',
      '--json',
    ]);
    assert.equal(code, 0, stderr);
    const started = lines.at(-1)!;
    assert.deepEqual([started['type'], started['batch_id']], ['started', id]);
  };
  await detach('elsewhere', 'other');
  await detach('early', 'out');
  assert.equal(provider.requests, 0);
  const worker = place.start(['worker', '--output-dir', 'out']);
  await worker.said(/early: done/);
  await detach('late', 'out');
  const watch = await place.cli(['watch', 'late', '--json']);
  assert.deepEqual([watch.code, watch.lines.at(-1)!['state']], [0, 'succeeded'], watch.stdout);
  assert.equal(provider.requests, 6);
  assert.doesNotMatch(worker.output, /elsewhere/);
  assert.equal((await place.cli(['status', 'elsewhere', '--json'])).lines[0]!['state'], 'crashed');
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
});

test(
  'a worker told to stop ends after the requests in flight',
  { skip: process.platform === 'win32' },
  async (t) => {
    const gate = createGate();
    const place = await createWorkplace(t, server, { script: gate.script });
    const { provider } = place;
    const file = await place.write('prompts.json', promptTexts(5));
    assert.equal((await place.run(file, ['--id', 'stopped', '--max-workers', '2', '--detach'])).code, 0);
    const worker = place.start(['worker', '--output-dir', 'out']);
    await provider.until(() => provider.inFlight === 2);
    worker.kill('SIGTERM');
    await worker.said(/2 requests in flight/);
    gate.open();
    assert.equal((await worker.ended).code, 0);
    assert.deepEqual([provider.requests, provider.answered.requests, provider.abortedByClient], [2, 2, 0]);
    const resumed = await place.cli(['resume', 'stopped']);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    assert.equal(provider.requests, 5);
    assert.equal((await readResults(join(place.folder, 'out'))).summary.successful_items, 5);
  },
);
