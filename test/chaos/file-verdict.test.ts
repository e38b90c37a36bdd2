import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyFault, someFaults } from './file-fault.ts';
import { type FileEvidence, faultsOf } from './file-verdict.ts';
import { createRandom } from './random.ts';

const result = (prompt: string, completions: number) =>
  ({ prompt_id: `id of ${prompt}`, prompt, completions: Array.from({ length: completions }) }) as never;
const request = (prompt: string, outcome: 'answered' | 'aborted by client' = 'answered') => ({
  prompt,
  outcome,
});

/** Two prompts of two completions each; one request was in flight at a death, and is named. */
const good = (): FileEvidence => ({
  prompts: ['a', 'b'],
  completions: 2,
  log: [...['a', 'a', 'b', 'b'].map((prompt) => request(prompt)), request('b', 'aborted by client')],
  answers: [0, 0, 1, 1].map((index) => ({ index })),
  report: {
    summary: { state: 'succeeded', successful_items: 2 } as never,
    results: [result('a', 2), result('b', 2)],
    possibly_paid: [{ prompt_id: 'id of b' } as never],
  },
  copiedRevision: 3,
  newestRevision: 3,
  audit: [],
  hasEnded: true,
  wasKilled: true,
  exitCode: 0,
});

test('what is right passes', () => {
  assert.deepEqual(faultsOf(good()), []);
});

const cases: { title: string; change: (evidence: FileEvidence) => Partial<FileEvidence>; fails: RegExp }[] = [
  { title: 'another exit code', change: () => ({ exitCode: 5 }), fails: /exit 5/ },
  { title: 'an audit that finds something', change: () => ({ audit: ['a difference'] }), fails: /^audit: / },
  { title: 'a workflow that stays open', change: () => ({ hasEnded: false }), fails: /has not ended/ },
  { title: 'an old copy', change: () => ({ copiedRevision: 2 }), fails: /batch\.json is revision 2/ },
  { title: 'no report', change: () => ({ report: null }), fails: /the report says/ },
  {
    title: 'a request that nothing came of, and that is named nowhere',
    change: ({ report }) => ({ report: { ...report!, possibly_paid: [] } }),
    fails: /b .*bought again/,
  },
  {
    title: 'an answer that was bought twice',
    change: ({ log, answers }) => ({ log: [...log, request('a')], answers: [...answers, { index: 0 }] }),
    fails: /a .*2 answers were to be bought/,
  },
  {
    title: 'an answer that is not in the ledger',
    change: ({ log }) => ({ log: [...log, request('a')] }),
    fails: /a .*an answer was lost/,
  },
  {
    title: 'a request possibly paid though nobody was killed',
    change: () => ({ wasKilled: false }),
    fails: /nobody was killed/,
  },
  {
    title: 'a report of another prompt',
    change: ({ report }) => ({ report: { ...report!, results: [result('b', 2), result('a', 2)] } }),
    fails: /the report has 2 completions of b/,
  },
];
for (const { title, change, fails } of cases) {
  test(`what is wrong fails: ${title}`, () => {
    const wrong = faultsOf({ ...good(), ...change(good()) });
    assert.ok(
      wrong.some((what) => fails.test(what)),
      wrong.join('; '),
    );
  });
}

test('each operation fails in each way it can, and a sample of that is the same for the same seed', () => {
  const faults = everyFault(['open', 'write', 'sync'], createRandom(1));
  assert.deepEqual(
    faults.map(({ at, kind }) => `${at} ${kind}`),
    [
      ...['1 error', '1 death', '2 error', '2 death', '2 short', '2 torn', '2 torn death'],
      ...['3 error', '3 death'],
    ],
  );
  const draw = (seed: number) => someFaults(faults, 4, createRandom(seed));
  assert.deepEqual(draw(5), draw(5));
  assert.equal(new Set(someFaults(faults, 99, createRandom(5))).size, faults.length);
});
