import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completionsJson, completionsText } from '../../../src/client/render/completion-text.ts';
import { createPaint } from '../../../src/client/render/paint.ts';
import { answer } from '../../store/support/records.ts';

const record = answer('r1', {
  choices: [
    { sample: 1, text: 'one\n\u001b[2Jtwo', finishReason: 'stop' },
    { sample: 2, text: ' ', finishReason: 'length' },
  ],
  costNanoUsd: 1_200_000,
});
const tailed = { batchId: 'demo-1', promptId: 'p\u001b[1m7', simulated: false, record };

test('each completion has a line about it and its text, made safe; tokens and cost stand once', () => {
  assert.equal(
    completionsText(tailed, createPaint(false)),
    [
      'p7 · sample 1 · stop · 15 tokens · $0.0012 · 2026-01-01 00:00:00 UTC',
      'one',
      String.raw`\u001b[2Jtwo`,
      '',
      'p7 · sample 2 · length · 2026-01-01 00:00:00 UTC',
      '(no text)',
      '',
    ].join('\n'),
  );
});

for (const text of ['code\n', 'a line  ', '\tindented\n\n', '  \nlast\t', 'no\u00a0break\u00a0'])
  test(`the text ${JSON.stringify(text)} is shown as it is`, () => {
    const choices = [{ sample: 1, text, finishReason: 'stop' }];
    const shown = completionsText({ ...tailed, record: { ...record, choices } }, createPaint(false));
    assert.equal(shown.slice(shown.indexOf('\n') + 1), `${text}\n`);
  });

test('for programs each completion is one object, its text as it is', () => {
  const [first, second] = completionsJson(tailed);
  assert.deepEqual(first, {
    type: 'completion',
    batch_id: 'demo-1',
    prompt_id: 'p\u001b[1m7',
    sample: 1,
    text: 'one\n\u001b[2Jtwo',
    finish_reason: 'stop',
    truncated: false,
    simulated: false,
    usage: {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      cached_tokens: 2,
      reasoning_tokens: 1,
    },
    estimated_cost: 0.0012,
    latency_ms: 20,
    model: 'm',
    request_id: null,
    time: '2026-01-01T00:00:00.000Z',
    record_id: 'r1',
    reused_from: null,
  });
  assert.deepEqual(
    [second!['sample'], second!['truncated'], second!['usage'], second!['estimated_cost']],
    [2, true, null, null],
  );
});
