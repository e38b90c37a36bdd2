import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import {
  BatchInterruptedError,
  BatchPausedError,
  BatchProcessor,
  type BatchProgress,
  type BatchResult,
  InputError,
  type Progress,
  UsageError,
} from '../../../src/index.ts';
import { type FakeProvider, reply, startFakeProvider } from '../../support/fake-provider.ts';
import { startTestServer, type TestServer } from '../../support/temporal-server.ts';

let server: TestServer;
let provider: FakeProvider;
const saved = { ...process.env };

before(async () => {
  server = await startTestServer();
  provider = await startFakeProvider({ honourN: false, latencyMs: 20 });
  Object.assign(process.env, server.env, { DEEPSEEK_API_KEY: 'sk-test-0123456789' });
});
after(async () => {
  process.env = saved;
  await provider.close();
  await server.stop();
});

const options = () => ({ outputDir: join(server.home, 'out'), baseUrl: provider.baseUrl, maxWorkers: 2 });

test('runs a list of prompts, tells its progress and where they go, and gives the results', async (t) => {
  const processor = new BatchProcessor({ ...options(), temperature: 0.8 });
  const seen: Progress[] = [];
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const results = await processor.processBatch(
    [{ prompt_id: 'test1', prompt: 'What is RLHF?' }, 'And PPO?'],
    {
      onProgress: (progress) => seen.push(progress),
    },
  );
  assert.equal(results.summary.success_rate, 100);
  assert.equal(
    results.summary.total_tokens,
    provider.answered.promptTokens + provider.answered.completionTokens,
  );
  assert.deepEqual(
    results.results.map(({ prompt_id, completions }) => [prompt_id, completions.length]),
    [
      ['test1', 2],
      ['prompt_0002', 2],
    ],
  );
  assert.equal(results.settings.temperature, 0.8);
  assert.deepEqual(warnings, [
    `deepseek is reached at ${provider.baseUrl}, which is not its usual address (https://api.deepseek.com).`,
  ]);
  assert.ok(seen.length > 0 && seen.every(({ counts }) => counts.total === 2));
});

test('the same prompts and settings are the same batch: nothing is bought again', async () => {
  const asked = provider.requests;
  const results = await new BatchProcessor({ ...options(), temperature: 0.8 }).processBatch([
    { prompt_id: 'test1', prompt: 'What is RLHF?' },
    'And PPO?',
  ]);
  assert.equal(results.summary.successful_items, 2);
  assert.equal(provider.requests, asked);
});

test('a handle tells progress, and a cancelled batch still gives what came back', async () => {
  provider.script = ({ prompt }) => (prompt === 'slow' ? reply.silence() : undefined);
  const handle = await new BatchProcessor(options()).start(['quick', 'slow', 'never reached']);
  let progress = await handle.progress();
  while (progress.counts.succeeded === 0) progress = await handle.progress();
  await handle.cancel({ now: true });
  const { summary, results } = await handle.result();
  provider.script = () => undefined;
  assert.deepEqual([summary.state, summary.batch_id], ['cancelled', handle.batchId]);
  assert.equal(results[0]?.status, 'succeeded');
  assert.equal(results[1]?.status, 'not_run');
});

test('start throws where the batch cannot be opened', async () => {
  const connection = await Connection.connect({ address: server.address });
  const { workflow } = new Client({ connection });
  await workflow.start('somebody', { workflowId: 'taken', taskQueue: 'somebody', args: [] });
  await assert.rejects(
    new BatchProcessor({ ...options(), id: 'taken' }).start(['one']),
    (error) =>
      error instanceof UsageError && /the id taken is taken on this Temporal server/.test(error.message),
  );
  await connection.close();
});

test('results come one by one, in input order, after the end, as often as they are asked for', async () => {
  const made: number[] = [];
  async function* prompts() {
    for (let number = 1; number <= 7; number++) {
      made.push(number);
      yield { prompt_id: `made-${number}`, prompt: `What is ${number}?` };
    }
  }
  const processor = new BatchProcessor(options());
  const handle = await processor.start(prompts());
  assert.deepEqual(made, [1, 2, 3, 4, 5, 6, 7]);
  const ids = await idsOf(handle.results());
  assert.deepEqual(
    ids,
    made.map((number) => `made-${number}`),
  );
  const { summary, results } = await handle.result();
  assert.deepEqual(await handle.summary(), summary);
  const again = await processor.start(
    new Set(results.map(({ prompt_id, prompt }) => ({ prompt_id, prompt }))),
  );
  assert.equal(again.batchId, handle.batchId);
  const streamed = [];
  for await (const result of again.results()) streamed.push(result);
  assert.deepEqual(streamed, results);
});

async function idsOf(results: AsyncIterable<BatchResult>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { prompt_id } of results) ids.push(prompt_id);
  return ids;
}

test('leaving the loop over results closes the file', { skip: process.platform !== 'linux' }, async () => {
  const handle = await new BatchProcessor(options()).start(['one', 'two']);
  const { results_file: file } = await handle.summary();
  const isOpen = async (): Promise<boolean> => {
    const open = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return open.includes(file ?? 'a summary names its file');
  };
  for await (const { prompt_id } of handle.results()) {
    assert.equal(prompt_id, 'prompt_0001');
    assert.equal(await isOpen(), true);
    break;
  }
  assert.equal(await isOpen(), false);
});

test('what an iterable throws is thrown on, and leaves no batch behind', async () => {
  const broken = new Error('the database is gone');
  async function* prompts() {
    yield 'a prompt that nobody will ask';
    throw broken;
  }
  const { outputDir } = options();
  const folders = await readdir(outputDir);
  await assert.rejects(new BatchProcessor(options()).start(prompts()), broken);
  assert.deepEqual(await readdir(outputDir), folders);
});

test('a batch that pauses itself rejects with the reason', async () => {
  provider.script = () => reply.status(402, { message: 'Insufficient Balance' });
  const handle = await new BatchProcessor(options()).start(['read by nobody']);
  await assert.rejects(handle.results().next(), BatchPausedError);
  await assert.rejects(handle.summary(), BatchPausedError);
  await assert.rejects(new BatchProcessor(options()).processBatch(['paid by nobody']), (error) => {
    assert.ok(error instanceof BatchPausedError);
    assert.deepEqual([error.pause.reason, /Insufficient Balance/.test(error.message)], ['account', true]);
    return true;
  });
  provider.script = () => undefined;
});

test('money is capped as on the command line', async () => {
  const asked = provider.requests;
  const capped = {
    ...options(),
    maxCost: 0.000_001,
    priceInput: 1,
    priceOutput: 2,
    maxFailures: '5%' as const,
  };
  await assert.rejects(
    new BatchProcessor(capped).processBatch(['dearer than that']),
    (error) => error instanceof BatchPausedError && error.pause.reason === 'budget',
  );
  assert.equal(provider.requests, asked);
});

test('bad options and bad prompts are told before anything starts', async () => {
  assert.throws(() => new BatchProcessor({ temperature: 3 }), UsageError);
  assert.throws(() => new BatchProcessor({ priceInput: 1 }), /--price-output/);
  for (const wrong of [{ maxWorker: 3 }, { detach: true }])
    assert.throws(
      () => new BatchProcessor(wrong as object),
      /unknown option "(maxWorker"; did you mean maxWorkers|detach)/,
    );
  const requests = provider.requests;
  await assert.rejects(
    new BatchProcessor(options()).processBatch([{ prompt_id: 'x', prompt: ' ' }]),
    (error) => error instanceof InputError && /item 1: "prompt"/.test(error.message),
  );
  assert.equal(provider.requests, requests);
});

test('an abort stops as Ctrl-C does: requests in flight are waited for, and the same prompts go on', async (t) => {
  let open = (): void => {};
  const opened = new Promise<undefined>((resolve) => (open = () => resolve(undefined)));
  const slow = await startFakeProvider({ script: () => opened });
  t.after(() => slow.close());
  const prompts = ['First?', 'Second?', 'Third?', 'Fourth?'];
  const processor = new BatchProcessor({
    ...options(),
    baseUrl: slow.baseUrl,
    completions: 1,
    id: 'aborted',
  });
  const stop = new AbortController();
  const result = processor.processBatch(prompts, { signal: stop.signal });
  await Promise.race([slow.until(() => slow.inFlight === 2), result]);
  stop.abort();
  open();
  await assert.rejects(result, (error) => {
    assert.ok(error instanceof BatchInterruptedError, String(error));
    assert.equal(error.batchId, 'aborted');
    return true;
  });
  assert.equal(slow.abortedByClient, 0);
  assert.ok(slow.requests < prompts.length);
  await assert.rejects(
    processor.start(prompts, { signal: stop.signal }),
    (error) => error === stop.signal.reason,
  );

  const { summary } = await processor.processBatch(prompts);
  assert.equal(summary.successful_items, 4);
  assert.equal(slow.requests, 4);
});

test('progress is in dollars too', async () => {
  const seen: BatchProgress[] = [];
  const processor = new BatchProcessor({
    ...options(),
    ...{ completions: 1, priceInput: 3, priceOutput: 5 },
  });
  const handle = await processor.start(['What does it cost?'], {
    onProgress: (progress) => seen.push(progress),
  });
  const { estimated_cost: cost } = await handle.summary();
  assert.ok(cost !== null && cost > 0);
  assert.equal(seen.at(-1)!.costUsd, cost);
  assert.equal((await handle.progress()).costUsd, cost);
  assert.equal(seen.at(-1)!.paid.costNanoUsd, Math.round(cost * 1e9));
});

test('an unknown option of a call is refused by name', async () => {
  const processor = new BatchProcessor(options());
  for (const [given, message] of [
    [{ onProgres: () => {} }, /unknown option "onProgres"; did you mean onProgress\?/],
    [{ sginal: AbortSignal.abort() }, /unknown option "sginal"; did you mean signal\?/],
    [{ maxWorkers: 3 }, /unknown option "maxWorkers"; there are onProgress, signal/],
  ] as const) {
    for (const call of ['start', 'processBatch'] as const) {
      await assert.rejects(
        processor[call](['Never asked?'], given as object),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    }
  }
});

test('an abort while prompts are read is heard at once: the input is closed, and no batch is made', async () => {
  const { outputDir } = options();
  const folders = await readdir(outputDir, { recursive: true });
  const reason = new Error('changed my mind');
  let made = 0;
  let closed = (): void => {};
  let answer = (): void => {};
  async function* prompts(stop: AbortController, isStuck: boolean) {
    try {
      for (let left = 20; left > 0; left--) {
        if (++made % 5 === 0) {
          stop.abort(reason);
          if (isStuck)
            await new Promise<void>((resolve) => {
              answer = resolve;
              setTimeout(resolve, 5000).unref();
            });
        }
        yield `Never asked ${made}?`;
      }
    } finally {
      closed();
    }
  }
  for (const isStuck of [true, false]) {
    for (const call of ['start', 'processBatch'] as const) {
      made = 0;
      const isClosed = new Promise<void>((resolve) => (closed = resolve));
      const stop = new AbortController();
      const called = new BatchProcessor(options())[call](prompts(stop, isStuck), { signal: stop.signal });
      await assert.rejects(called, (error) => error === reason);
      assert.equal(made, 5);
      answer();
      await isClosed;
      assert.deepEqual(await readdir(outputDir, { recursive: true }), folders);
    }
  }
});

test('with a signal that is aborted already nothing is read', async () => {
  const { outputDir } = options();
  const folders = await readdir(outputDir, { recursive: true });
  const list = {
    [Symbol.iterator]: (): Iterator<string> => assert.fail('it was read'),
  };
  const signal = AbortSignal.abort();
  await assert.rejects(
    new BatchProcessor(options()).start(list, { signal }),
    (error) => error === signal.reason,
  );
  assert.deepEqual(await readdir(outputDir, { recursive: true }), folders);
});

test('an option of the wrong type is refused before anything is made', async () => {
  const { outputDir } = options();
  const folders = await readdir(outputDir, { recursive: true });
  for (const [given, message] of [
    [null, 'options must be an object, got null'],
    ['x', 'options must be an object, got "x"'],
    [[], 'options must be an object, got an empty list'],
    [{ signal: 'x' }, 'options: "signal" must be an AbortSignal, got "x"'],
    [{ signal: null }, 'options: "signal" must be an AbortSignal, got null'],
    [{ signal: new AbortController() }, 'options: "signal" must be an AbortSignal, got an object'],
    [{ onProgress: 'x' }, 'options: "onProgress" must be a function, got "x"'],
  ] as const) {
    for (const call of ['start', 'processBatch'] as const)
      await assert.rejects(
        new BatchProcessor(options())[call](['Never asked?'], given as object),
        (error) => error instanceof UsageError && error.message === message,
      );
  }
  assert.throws(
    () => new BatchProcessor(null as never),
    (error) => error instanceof UsageError && /^options must be an object, got null$/.test(error.message),
  );
  assert.deepEqual(await readdir(outputDir, { recursive: true }), folders);
});
