/** What somebody who reaches the Temporal server's port makes other commands of this tool read there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { createWorkplace } from '../e2e/workplace.ts';
import { useTestServer } from '../support/temporal-server.ts';

const server = useTestServer();

const pause = { reason: 'operator', message: 'lunch', since: '2026-01-01T00:00:00.000Z' };
const store = { uuid: 'u', outputDir: '/tmp/x', host: 'elsewhere' };
const json = (value: unknown): Payload => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(JSON.stringify(value)),
});
const memos: Record<string, Record<string, Payload>> = {
  'a-message-that-is-a-number': { pause: json({ ...pause, message: 5 }), state: json('paused') },
  'a-state-that-is-a-list': { state: json(['paused']), counts: json('many'), paid: json(7) },
  'a-store-that-is-a-text': { store: json('here'), name: json({}), results: json([1]) },
  'names-of-a-prototype': { failuresByType: json({ constructor: 'x' }), counts: json({ total: -1 }) },
  'an-unknown-encoding': { store: { metadata: { encoding: Buffer.from('x/y') }, data: Buffer.from('?') } },
  'torn-json': { state: { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"') } },
  'no-encoding': { state: { data: Buffer.from('x') } },
  'what-is-right-beside-it': { state: json('paused'), pause: json({}) },
};

test('a workflow with a forged memo hides no batch, stops no list and no worker, and has a status', async (t) => {
  const place = await createWorkplace(t, server, {});
  assert.equal((await place.run(await place.write('honest.json', ['one']), ['--id', 'honest'])).code, 0);
  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  for (const [workflowId, fields] of Object.entries(memos))
    await connection.workflowService.startWorkflowExecution({
      namespace: 'default',
      workflowId,
      requestId: workflowId,
      workflowType: { name: 'promptBatch' },
      taskQueue: { name: `forged-${workflowId}` },
      memo: { fields: { store: json(store), ...fields } },
    });

  const ids = Object.keys(memos);
  let listed: string[] = [];
  // The server's list lags behind.
  for (let tries = 0; tries < 100 && listed.length <= ids.length; tries++) {
    const { code, lines, stderr } = await place.cli(['list', '--json']);
    assert.equal(code, 0, stderr);
    listed = lines.map(({ batch_id: id }) => String(id));
  }
  assert.deepEqual(listed.toSorted(), ['honest', ...ids].toSorted());
  for (const id of ids) {
    const { code, stdout, stderr } = await place.cli(['status', id]);
    // Without a store that can be read, it is no batch of this tool.
    if ('store' in memos[id]!) assert.match(stderr, /there is no batch/, id);
    else assert.equal(code, 0, `${id}: ${stderr}`);
    assert.doesNotMatch(stdout + stderr, /undefined|\[object|NaN|a bug/);
  }

  const late = await place.write('late.json', ['two']);
  assert.equal((await place.run(late, ['--id', 'late', '--detach'])).code, 0);
  const worker = place.start(['worker', '--output-dir', 'out']);
  await worker.said(/late: done/);
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  assert.doesNotMatch(worker.output, /Cannot look after/);
});
