/** Why an open batch has no worker: `waiting`, `stopped` and `crashed`, the same for every command that shows a state. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { useTestServer, testEnv } from '../support/temporal-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createGate, createWorkplace, promptTexts } from './workplace.ts';

const server = useTestServer();

test('a batch without a worker is waiting, stopped or crashed, with a server to ask and without one', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ total }) => (total > 2 ? gate.script() : undefined),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(6));
  const flags = ['--id', 'idle', '--max-workers', '2'];
  const elsewhere = await temporaryFolder(t);
  /** A machine that has only the address of the server. */
  const remote = {
    cwd: elsewhere,
    env: { ...(await testEnv(join(elsewhere, 'home'))), TEMPORAL_ADDRESS: server.address },
  };
  const assertRemoteState = async (state: string): Promise<void> => {
    const status = await place.cli(['status', 'idle', '--json'], remote);
    assert.equal(status.lines[0]?.['state'], state, status.stdout + status.stderr);
    const listed = await place.cli(['list', '--json'], remote);
    assert.deepEqual(
      listed.lines.map(({ batch_id: id, state: word }) => [id, word]),
      [['idle', state]],
    );
  };
  const assertState = async (state: string): Promise<void> => {
    const status = await place.cli(['status', 'idle', '--json']);
    assert.equal(status.lines[0]?.['state'], state, status.stdout + status.stderr);
    assert.match((await place.cli(['status', 'idle'])).stdout, new RegExp(`^State +${state} \\(`, 'm'));
    const listed = await place.cli(['list', '--state', state, '--json']);
    assert.deepEqual(
      listed.lines.map(({ batch_id: id, state: word }) => [id, word]),
      [['idle', state]],
    );
  };

  assert.equal((await place.run(file, [...flags, '--detach'])).code, 0);
  await assertState('waiting');
  await assertRemoteState('waiting');

  const stopped = place.startRun(file, flags);
  await provider.until(() => provider.answered.requests === 2 && provider.inFlight === 2);
  stopped.kill('SIGINT');
  await stopped.said(/Stopping/);
  gate.open();
  assert.equal((await stopped.ended).code, 130);
  await assertState('stopped');
  await assertRemoteState('stopped');
  assert.equal((await place.cli(['server', 'stop'])).code, 0);
  await assertState('stopped');

  provider.script = () => createGate().script();
  const asked = provider.requests;
  const killed = place.startRun(file, flags);
  await provider.until(() => provider.requests > asked);
  killed.kill('SIGKILL');
  await killed.ended;
  await assertState('crashed');
  await assertRemoteState('crashed');
  assert.equal((await place.cli(['server', 'stop'])).code, 0);
  await assertState('crashed');
});

test('a run that was cancelled, and is started again for others to work on, waits for its worker', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, { script: gate.script });
  const file = await place.write('prompts.json', promptTexts(3));
  const run = place.startRun(file, ['--id', 'again']);
  await place.provider.until(() => place.provider.inFlight === 3);
  assert.equal((await place.cli(['cancel', 'again', '--now'])).code, 0);
  assert.equal((await run.ended).code, 4);
  assert.equal((await place.run(file, ['--id', 'again', '--detach'])).code, 0);
  const { lines } = await place.cli(['status', 'again', '--json']);
  assert.equal(lines[0]?.['state'], 'waiting');
  gate.open();
});
