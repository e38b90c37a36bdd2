import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BatchInput } from '../../../src/core/batch-input.ts';
import type { BatchOutcome } from '../../../src/core/outcome.ts';
import type { Progress } from '../../../src/core/progress.ts';
import { detailsOf } from '../../../src/workflows/display/batch-details.ts';
import { batchInput } from '../../support/workflow-harness.ts';
import { sampleProgress as progress } from '../sample-progress.ts';

const batch: BatchInput = {
  ...batchInput('sample', { prompts: 8 }),
  host: 'lab-7',
  startedAt: '2026-01-01T00:00:00.000Z',
};
const pause = { reason: 'account', message: 'no balance', since: '2026-01-01T00:00:00.000Z' } as const;
const outcome: BatchOutcome = {
  ...{ state: 'partly_failed', counts: progress.counts, paid: progress.paid },
  resultsFile: '/data/batch_results_1.json',
  csvFile: '/data/batch_results_1.csv',
  failuresFile: '/data/batch_results_1_failures.jsonl',
  durationSeconds: 1,
  warnings: ['no price is known'],
};

test('a running batch: counts, tokens, cost, concurrency, rate, time to go, and where the results will be', () => {
  assert.equal(
    detailsOf(batch, progress, null),
    `### Running: 3 of 8 prompts, 37 %

**Next:** Running normally. To follow it: \`durabatch watch sample\`

- 2 succeeded, 1 failed, 2 in progress, 3 waiting
- 15 tokens, USD 1.2345
- at most 2 prompts in progress at once
- 2.5 prompts/s, about 2 s to go

**Failed prompts, by type**

- 1 × Completion.Rejected

**Results:** at the end, in \`/data/batch_results\` on \`lab-7\`; those so far: \`durabatch report sample\`

\`Sample\`: 8 prompts × 1, openai-compatible, model \`test-model\`; run 1, since 2026-01-01 00:00:00 UTC`,
  );
});

test('a pause is shown with its reason, since when, and what to do about it', () => {
  const details = detailsOf(batch, { ...progress, state: 'paused', pause }, null);
  assert.match(details, /^### Paused \(account\): 3 of 8 prompts/);
  assert.match(details, /\*\*Why, since 2026-01-01 00:00:00 UTC:\*\* `no balance`/);
  assert.match(
    details,
    /\*\*Next:\*\* The provider refuses the account.* then type: `durabatch resume sample`/,
  );
  assert.doesNotMatch(details, /prompts\/s/);
});

test('a finished batch names its files, what is wrong with them, and how to ask the failed prompts again', () => {
  const counts = { ...progress.counts, running: 0, pending: 0, notRun: 5 };
  const failuresByType = { 'Completion.Rejected': 1, 'Completion.Fault': 1 };
  const ended: Progress = { ...progress, state: 'partly_failed', counts };
  const details = detailsOf(batch, { ...ended, failuresByType }, outcome);
  assert.match(details, /^### Finished, some prompts failed/);
  assert.match(details, /again: `durabatch retry sample`/);
  const ofRejected = detailsOf(batch, ended, { ...outcome, failuresFile: '/da`ta/f.jsonl' });
  assert.match(ofRejected, /run that file: `durabatch run (?:'\/da ta\/f\.jsonl'|<failures file>)`/);
  assert.match(details, /- 2 succeeded, 1 failed, 5 not run$/m);
  assert.doesNotMatch(details, /in progress|prompts\/s/);
  assert.match(
    details,
    /\*\*Results\*\* on `lab-7`\n\n- `\/data\/batch_results_1\.json`\n- `.*\.csv`\n- .*a file to run: `.*_failures\.jsonl`\n- warning: `no price is known`$/m,
  );
});

test('a batch that was cancelled without its report says how to write it', () => {
  const details = detailsOf(batch, { ...progress, state: 'cancelled' }, null);
  assert.match(details, /\*\*Results:\*\* could not be written; to write them: `durabatch report sample`/);
});

test('what is spent is shown beside the cap', () => {
  const budget = { maxCostNanoUsd: 5_000_000_000, spentNanoUsd: 1_300_000_000, reservedNanoUsd: 0 };
  assert.match(
    detailsOf(batch, { ...progress, budget }, null),
    /- 15 tokens, USD 1\.2345 \(with what is possibly paid USD 1\.3000 of at most USD 5\.0000\)$/m,
  );
});

for (const [seconds, shown] of [
  [1.2, '2 s'],
  [600, '10 min'],
  [36_000, '10.0 h'],
] as const) {
  test(`${seconds} seconds to go are ${shown}`, () => {
    assert.match(
      detailsOf(batch, { ...progress, etaSeconds: seconds }, null),
      new RegExp(`about ${shown} to go`),
    );
  });
}

test('a failure cannot break out of its quotes, nor grow the page past its limit', () => {
  const message = '`</script>\n# heading\n'.repeat(500);
  const lastFailures = Array.from({ length: 5 }, () => ({
    promptId: '`'.repeat(256),
    type: 'Completion.Rejected' as const,
    message,
  }));
  const details = detailsOf(batch, { ...progress, lastFailures }, null);
  assert.ok(Buffer.byteLength(details) < 20_000);
  const quotes = details.split('\n').filter((line) => line.includes(': Completion.Rejected: '));
  assert.equal(quotes.length, 5);
  for (const line of quotes) assert.equal(line.split('`').length, 5, line);
  assert.doesNotMatch(details, /^# heading/m);
});

test('simulated answers and unknown costs are called that', () => {
  const simulated: BatchInput = {
    ...batch,
    settings: { ...batch.settings, request: { ...batch.settings.request, provider: 'simulated' } },
  };
  const details = detailsOf(simulated, { ...progress, paid: { ...progress.paid, costNanoUsd: null } }, null);
  assert.match(details, /\*\*Simulated:\*\*/);
  assert.match(details, /- 15 tokens, cost unknown$/m);
});

const failureOf = (promptId: string, message: string): Progress['lastFailures'][number] => ({
  ...{ promptId, type: 'Completion.Rejected', message },
});

test('a long text is cut, never through a character', () => {
  const details = detailsOf(batch, { ...progress, lastFailures: [failureOf('😀'.repeat(500), 'é')] }, null);
  assert.ok(details.includes(`- \`${'😀'.repeat(200)}\`: Completion.Rejected: \`é\`\n`), details);
});

test('the details stay below 20 KB and on their lines, whatever comes from outside', () => {
  const text = fc.string({ unit: 'binary', maxLength: 800 });
  const bytesOf = (shown: string): number => Buffer.byteLength(JSON.stringify(shown)) - 2;
  const widest = '\u0001'.repeat(1000);
  const dearest = '😀'.repeat(1000);
  const fiveOf = (value: string): [string, string][] => Array.from({ length: 5 }, () => [value, value]);
  const lines = (said: [string, string][], foreign: string): string =>
    detailsOf(
      { ...batch, host: foreign, name: foreign, store: { ...batch.store, outputDir: foreign } },
      {
        ...progress,
        pause: { reason: 'failures', message: foreign, since: pause.since },
        lastFailures: said.map(([id, message]) => failureOf(id, message)),
      },
      { ...outcome, resultsFile: foreign, csvFile: foreign, warnings: said.map(([warning]) => warning) },
    );
  const expected = lines(fiveOf('x'), 'x').split('\n').length;
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { minLength: 5, maxLength: 5 }), text, (said, foreign) => {
      const details = lines(said, foreign);
      assert.ok(bytesOf(details) < 20_000, `${bytesOf(details)} bytes`);
      assert.equal(details.split(/[\n\r\u2028\u2029]/).length, expected);
    }),
    {
      examples: [
        [fiveOf(widest), widest],
        [fiveOf(dearest), dearest],
      ],
    },
  );
});

test('with auto the page tells how many are at work at present, and why', () => {
  const autoWorkers = { slots: 12, ceiling: 50, reason: 'halved after too many requests (429)' };
  const details = detailsOf(batch, { ...progress, autoWorkers }, null);
  assert.match(
    details,
    /^- at once: 12 of at most 50 prompts \(`halved after too many requests \(429\)`\)$/m,
  );
});
