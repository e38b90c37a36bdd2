import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toPossiblyPaid } from '../../src/report/tally/possibly-paid.ts';
import { toResult } from '../../src/report/results-json.ts';
import { summarise } from '../../src/report/summary.ts';
import {
  boughtOf,
  completionOf,
  failedOutcome,
  nothingPaid,
  outcomeOf,
  sourceOf,
  usageOf,
} from './support/report-fixtures.ts';

const doc = await readFile(fileURLToPath(new URL('../../docs/results.md', import.meta.url)), 'utf8');

/** Of all objects, however deep; of what a user's own item brings along, only the name it stands under. */
const fieldNames = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(fieldNames);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    ['fields', 'messages', 'extra_body', 'prices'].includes(name) ? [name] : [name, ...fieldNames(inner)],
  );
};

const reused = { batchId: 'earlier', answer: 'a', usage: usageOf(1, 1), costNanoUsd: 1 };
const outcomes = [
  outcomeOf('a', {
    item: {
      prompt_id: 'a',
      messages: [{ role: 'user', content: 'Why?' }],
      temperature: 1,
      extra_body: { seed: 7 },
      fields: { topic: 'x' },
    },
    completions: [completionOf(1, 'One', { reasoning: 'Hm.', reused })],
    answers: [boughtOf('b', nothingPaid, { kept: false })],
  }),
  {
    ...failedOutcome('b'),
    requests: [
      {
        ...{ recordId: 'r', at: '2026-03-04T05:06:00.000Z', run: 1, attempt: 1, outcome: 'fault' as const },
        ...{ type: 'Completion.Rejected' as const, status: 400, message: 'content policy' },
        ...{ requestId: 'q', delayMs: null },
      },
    ],
  },
];
const lost = {
  ...{ id: 'l', samples: [1], at: '2026-03-04T05:06:00.000Z', run: 1, turn: 1, attempt: 1 },
  ...{ worstCostNanoUsd: 1, why: 'lost' as const },
};

test('every field of the results file is told of in docs/results.md', async () => {
  const results = outcomes.map((outcome) => toResult(outcome, true));
  const summary = await summarise(sourceOf(outcomes));
  const { item, bill } = outcomes[0]!;
  const possiblyPaid = toPossiblyPaid({ item, bill: { ...bill, possiblyPaid: [lost] } });
  const names = new Set(
    fieldNames({ summary, possibly_paid: possiblyPaid, results, metadata: {}, settings: {} }),
  );
  assert.ok(names.size > 60, `${names.size}`);
  const told = (name: string): boolean => doc.includes(`\`${name}\``) || doc.includes(`"${name}":`);
  assert.deepEqual(
    [...names].filter((name) => !told(name)),
    [],
  );
});
