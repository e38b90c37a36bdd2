import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlags } from '../../../src/client/options/flags.ts';
import { toLimitChanges } from '../../../src/client/options/limit-options.ts';
import { parseFlags } from '../../../src/client/options/parse-flags.ts';

const parseSetOptions = (raw: Record<string, unknown>) => toLimitChanges(parseFlags(setFlags, raw));

for (const [typed, changes] of [
  [{ maxWorkers: '20' }, { maxWorkers: 20, autoWorkers: false }],
  [{ maxWorkers: 'auto' }, { maxWorkers: 500, autoWorkers: true }],
  [{ maxWorkers: 'auto:50' }, { maxWorkers: 50, autoWorkers: true }],
  [
    { maxCost: '2.5', patience: '10m' },
    { maxCostNanoUsd: 2_500_000_000, patienceMs: 600_000 },
  ],
  [{ maxFailures: '5%' }, { maxFailures: { share: 0.05 } }],
] as const) {
  test(`set ${JSON.stringify(typed)}`, () => {
    assert.deepEqual(parseSetOptions(typed).changes, changes);
  });
}

test('of an account only what was typed is set', () => {
  const { changes, typedAccount } = parseSetOptions({ rpm: '600', account: 'acme' });
  assert.deepEqual([changes, typedAccount], [{}, { name: 'acme', requestsPerMinute: 600 }]);
  assert.throws(() => parseSetOptions({ rpm: '0' }), /--rpm/);
});

test('nothing to set is refused, and says what could be', () => {
  assert.throws(
    () => parseSetOptions({}),
    /say what to set: --max-workers <n\|auto>, --rpm <n>.* or --patience <time>$/,
  );
});
