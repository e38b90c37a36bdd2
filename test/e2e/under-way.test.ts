/** What is under way in a worker that lives is not bought by another; what a dead one had is, and at once. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { readRecord } from '../../src/temporal-server/server-record.ts';
import type { AnswerRecord, StartRecord } from '../../src/store/ledger/records.ts';
import { LAPSE_MS } from '../../src/core/lapse.ts';
import type { CliProcess } from '../support/cli.ts';
import type { FakeRequest } from '../support/fake-provider.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import {
  createGate,
  createWorkplace,
  promptTexts,
  readLedger,
  readResults,
  type Workplace,
} from './workplace.ts';

const ID = 'under-way';
/** The lapse is half a minute, and the machine may be busy. */
const COMMAND_TIMEOUT_MS = 300_000;

interface Scene {
  server: TestServer;
  place: Workplace;
  /** A worker of the folder, by the server's own address or another one. */
  startWorker(env?: NodeJS.ProcessEnv): Promise<CliProcess>;
  /** Settles once a prompt in progress has failed an attempt in this way. */
  untilFailed(type: string): Promise<void>;
  /**
   * Settles once each prompt in progress has failed an attempt in this way, or its worker has been heard of again: a server
   * that is let go may hear of a worker before it notices how long that was silent.
   */
  untilAllFailedOrHeard(type: string, since: number): Promise<void>;
  /** Settles when the batch has its report. */
  finished(): Promise<void>;
  ledger<T extends 'start' | 'answer'>(type: T): Promise<(T extends 'start' ? StartRecord : AnswerRecord)[]>;
}

/** A detached batch, and a server of the test's own: it is frozen, or cut off. */
async function createScene(
  t: TestContext,
  { prompts, atOnce, script }: { prompts: number; atOnce: number; script: (request: FakeRequest) => any },
): Promise<Scene> {
  const server = await startTestServer();
  t.after(() => server.stop());
  const place = await createWorkplace(t, server, { script });
  const file = await place.write('prompts.json', promptTexts(prompts));
  const detached = await place.run(file, ['--id', ID, '--detach', '--max-workers', String(atOnce)]);
  assert.equal(detached.code, 0, detached.stderr);
  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  const handle = new Client({ connection }).workflow.getHandle(ID);
  return {
    server,
    place,
    startWorker: async (env = {}) => {
      const worker = place.start(['worker', '--output-dir', 'out'], {
        env: { ...place.env, ...env },
        timeoutMs: COMMAND_TIMEOUT_MS,
      });
      await worker.said(/working on it/);
      return worker;
    },
    untilFailed: async (type) => {
      for (;;) {
        const { raw } = await handle.describe();
        const failures = (raw.pendingActivities ?? []).map(
          ({ lastFailure }) => lastFailure?.applicationFailureInfo?.type,
        );
        if (failures.includes(type)) return;
        await sleep(200);
      }
    },
    untilAllFailedOrHeard: async (type, since) => {
      for (;;) {
        const { raw } = await handle.describe();
        const isSettled = (raw.pendingActivities ?? []).every(
          ({ lastFailure, lastHeartbeatTime }) =>
            lastFailure?.applicationFailureInfo?.type === type ||
            Number(lastHeartbeatTime?.seconds ?? 0) * 1000 > since,
        );
        if (isSettled) return;
        await sleep(200);
      }
    },
    finished: async () => {
      const { code, stdout, stderr } = await place.cli(['watch', ID], { timeoutMs: COMMAND_TIMEOUT_MS });
      assert.equal(code, 0, stdout + stderr);
    },
    ledger: async (type) =>
      (await readLedger(join(place.outputDir, ID))).filter((record) => record.type === type) as any,
  };
}

const requestsPerPrompt = ({ provider }: Workplace): number[] => [...provider.requestsPerPrompt.values()];

test('three workers and a server that is frozen for longer than the lapse: nothing is bought twice', async (t) => {
  const gate = createGate();
  const { server, place, startWorker, untilAllFailedOrHeard, finished, ledger } = await createScene(t, {
    ...{ prompts: 12, atOnce: 9 },
    script: gate.script,
  });
  const { provider } = place;
  await Promise.all([startWorker(), startWorker(), startWorker()]);
  await provider.until(() => provider.inFlight === 9);
  const { pid } = readRecord(server.home)!;
  process.kill(pid!, 'SIGSTOP');
  await sleep(LAPSE_MS + 3000);
  process.kill(pid!, 'SIGCONT');
  await untilAllFailedOrHeard('Request.Elsewhere', Date.now());
  assert.equal(provider.requests, 9, 'whatever was given away is under way where it was');
  gate.open();
  await finished();
  assert.deepEqual(requestsPerPrompt(place), Array(12).fill(1));
  assert.equal((await ledger('start')).length, 12);
  const { summary } = await readResults(place.outputDir);
  assert.equal(summary.successful_items, 12);
  assert.equal(summary.total_tokens, provider.answered.promptTokens + provider.answered.completionTokens);
});

test('a worker that is cut off from the server keeps its requests, and another one settles their answers', async (t) => {
  const gate = createGate();
  const { server, place, startWorker, untilFailed, finished } = await createScene(t, {
    ...{ prompts: 3, atOnce: 3 },
    script: gate.script,
  });
  const { provider } = place;
  const line = await startTcpProxy(server.address);
  t.after(() => line.close());
  await startWorker({ TEMPORAL_ADDRESS: line.address });
  await provider.until(() => provider.inFlight === 3);
  line.cut();
  await startWorker();
  await untilFailed('Request.Elsewhere');
  assert.equal(provider.requests, 3);
  gate.open();
  await finished();
  assert.deepEqual(requestsPerPrompt(place), [1, 1, 1]);
});

test('a worker that is frozen for longer than the lapse counts as dead; its late answers are discarded and named', async (t) => {
  const [early, late] = [createGate(), createGate()];
  const { place, startWorker, finished, ledger } = await createScene(t, {
    ...{ prompts: 3, atOnce: 3 },
    script: ({ promptCount }) => (promptCount === 1 ? early : late).script(),
  });
  const { provider } = place;
  const frozen = await startWorker();
  await provider.until(() => provider.inFlight === 3);
  frozen.kill('SIGSTOP');
  await startWorker();
  await provider.until(() => provider.requests === 6);
  early.open();
  frozen.kill('SIGCONT');
  while ((await ledger('answer')).length < 3) await sleep(200);
  late.open();
  await finished();
  assert.deepEqual(requestsPerPrompt(place), [2, 2, 2]);
  const { summary, results } = await readResults(place.outputDir);
  assert.equal(summary.successful_items, 3);
  assert.equal(summary.total_tokens, provider.answered.promptTokens + provider.answered.completionTokens);
  for (const result of results) {
    assert.equal(result.completions.length, 1);
    assert.equal(result.discarded_answers?.length, 1);
  }
});

test('one of three workers is killed: what it had under way is given back at once, and nothing else is bought again', async (t) => {
  const gate = createGate();
  const { place, startWorker, untilFailed, finished, ledger } = await createScene(t, {
    ...{ prompts: 12, atOnce: 9 },
    script: gate.script,
  });
  const { provider } = place;
  const workers = await Promise.all([startWorker(), startWorker(), startWorker()]);
  await provider.until(() => provider.inFlight === 9);
  const startsOf = async ({ pid }: CliProcess): Promise<StartRecord[]> =>
    (await ledger('start')).filter(({ worker }) => worker.startsWith(`${pid}@`));
  const held = await Promise.all(workers.map(startsOf));
  const victim = held.findIndex((starts) => starts.length > 0);
  workers[victim]!.kill('SIGKILL');
  await untilFailed('Worker.Died');
  const lost = held[victim]!.length;
  await provider.until(() => provider.requests === 9 + lost);
  gate.open();
  await finished();
  assert.equal(provider.requests, 12 + lost);
  const { summary } = await readResults(place.outputDir);
  assert.equal(summary.successful_items, 12);
});
