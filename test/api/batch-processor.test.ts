import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BatchPausedError, BatchProcessor, InputError, type Progress, UsageError } from '../../src/index.ts';
import { type FakeProvider, reply, startFakeProvider } from '../support/fake-provider.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';

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

test('runs a list of prompts, tells its progress, and gives the results', async () => {
  const processor = new BatchProcessor({ ...options(), temperature: 0.8 });
  const seen: Progress[] = [];
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

test('a batch that pauses itself rejects with the reason', async () => {
  provider.script = () => reply.status(402, { message: 'Insufficient Balance' });
  await assert.rejects(new BatchProcessor(options()).processBatch(['paid by nobody']), (error) => {
    assert.ok(error instanceof BatchPausedError);
    assert.deepEqual([error.pause.reason, /Insufficient Balance/.test(error.message)], ['account', true]);
    return true;
  });
  provider.script = () => undefined;
});

test('bad options and bad prompts are told before anything starts', async () => {
  assert.throws(() => new BatchProcessor({ temperature: 3 }), UsageError);
  const requests = provider.requests;
  await assert.rejects(
    new BatchProcessor(options()).processBatch([{ prompt_id: 'x', prompt: ' ' }]),
    (error) => error instanceof InputError && /item 1: "prompt"/.test(error.message),
  );
  assert.equal(provider.requests, requests);
});
