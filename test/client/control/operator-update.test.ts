import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { Temporal } from '../../../src/client/connect/temporal.ts';
import { createOperatorUpdate, UpdateUnansweredError } from '../../../src/client/control/operator-update.ts';
import { requestedBy } from '../../../src/client/control/requested-by.ts';
import { setUpdate } from '../../../src/workflows/messages.ts';
import { createGate, createWorkplace, promptTexts } from '../../e2e/workplace.ts';
import { freeze } from '../../support/freeze.ts';
import { useTestServer } from '../../support/temporal-server.ts';

const server = useTestServer();

/** A batch with one worker, which has a request in flight and stands still. */
async function frozenBatch(t: TestContext, id: string): Promise<Pick<Temporal, 'client'>> {
  const place = await createWorkplace(t, server, { script: createGate().script });
  const run = place.startRun(await place.write('prompts.json', promptTexts(2)), ['--id', id]);
  await place.provider.until(() => place.provider.inFlight > 0);
  await freeze(run.pid);
  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  return { client: new Client({ connection }) };
}

for (const until of ['noted', 'accepted'] as const) {
  test(`a worker that stands still holds nobody for ever (until ${until}): the error says what to do`, async (t) => {
    const batchId = `frozen-${until}`;
    const { client } = await frozenBatch(t, batchId);
    const send = createOperatorUpdate({
      ...{ temporal: { client } as Temporal, batchId, update: setUpdate, until },
      args: [{ maxWorkers: 5 }, requestedBy(null)],
      note: () => {},
      maxSilenceMs: 1000,
    });
    await assert.rejects(send(), (error) => {
      assert.ok(error instanceof UpdateUnansweredError, String(error));
      assert.match(
        error.message,
        /^no worker of frozen-\w+ has answered within 1 s\. What you asked for was sent/,
      );
      assert.match(error.message, new RegExp(`durabatch status ${batchId} shows`));
      return true;
    });
  });
}
