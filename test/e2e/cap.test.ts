import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useTestServer } from '../support/temporal-server.ts';
import { createGate, createWorkplace, promptTexts, readResults } from './workplace.ts';

const server = useTestServer();

describe('200 prompts with two completions each: never more than 20 requests at once', () => {
  for (const { title, honourN, requests } of [
    { title: 'one request a prompt where n is honoured', honourN: true, requests: 200 },
    { title: 'two requests a prompt where n is ignored', honourN: false, requests: 400 },
  ]) {
    test(title, async (t) => {
      const gate = createGate();
      const place = await createWorkplace(t, server, { honourN, latencyMs: 150, script: gate.script });
      const { provider } = place;
      const texts = promptTexts(200);
      const file = await place.write('prompts.json', texts);
      const run = place.startRun(file, ['--max-workers', '20', '--completions', '2']);
      // All workers are used: as many are in flight before anything is answered.
      await provider.until(() => provider.inFlight === 20);
      gate.open();
      const { code, stdout, stderr } = await run.ended;
      assert.equal(code, 0, stdout + stderr);
      assert.equal(provider.peakInFlight, 20);
      assert.deepEqual([provider.requests, provider.answered.completions], [requests, 400]);
      const { summary, results } = await readResults(place.outputDir);
      assert.deepEqual(
        results.map(({ prompt }) => prompt),
        texts,
      );
      assert.ok(results.every(({ completions }) => completions.length === 2));
      assert.equal(summary.prompt_tokens, provider.answered.promptTokens);
      assert.equal(summary.completion_tokens, provider.answered.completionTokens);
    });
  }
});
