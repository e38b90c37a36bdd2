import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifestSchema } from '../../src/store/manifest-schema.ts';
import { manifestOf } from '../report/support/report-fixtures.ts';

const run = (changes: Record<string, unknown>): unknown => ({
  ...{ run: 1, started_at: '2026-11-30T00:00:00Z', limits: manifestOf(1).limits },
  ...changes,
});

/** Where in a manifest, the value there, and the path that the error names. */
const hostile: [path: string, value: unknown, named?: string][] = [
  ['prompts', 1e300],
  ['prompts', -1],
  ['prompts', '3'],
  ['shards', 1e12],
  ['shards', 7],
  ['shard_size', 0],
  ['max_completions', 1e9],
  ['created_at', 'yesterday'],
  ['store_uuid', '../../elsewhere'],
  ['settings.baseUrl', 'file:///etc/passwd'],
  ['settings.baseUrl', 'javascript:alert(1)'],
  ['settings.baseUrl', 'https://user:secret@example.com'],
  ['settings.baseUrl', `https://example.com/${'x'.repeat(5000)}`],
  ['settings.provider', 'constructor'],
  ['settings.completions', 0],
  ['settings.thinking', 'yes'],
  ['limits.apiKeyEnv', 'KEY; rm -rf'],
  ['limits.apiKeyEnv', null],
  ['limits.maxWorkers', 1e9],
  ['limits.requestTimeoutMs', Number.MAX_VALUE],
  ['limits.maxFailures', 'all', 'limits.maxFailures'],
  ['limits.prices', { inputPerMillion: -1, outputPerMillion: 1 }, 'limits.prices.inputPerMillion'],
  ['pause', { reason: 'because', message: '', since: '2026-11-30T00:00:00Z' }, 'pause.reason'],
  ['pause', { reason: 'operator', message: 'x'.repeat(1e6), since: '2026-11-30T00:00:00Z' }, 'pause.message'],
  ['runs', 'none'],
  ['runs', [{ run: 1, started_at: '2026-11-30T00:00:00Z', limits: {} }], 'runs.0.limits.maxWorkers'],
  ['runs', [run({ price_table: '../../elsewhere' })], 'runs.0.price_table'],
  ['runs', [run({ run: 1e300 })], 'runs.0.run'],
  ['runs', [run({ run: 2 }), run({ run: 1 })]],
  ['runs', [run({}), run({})]],
  ['additions', [{ stage: '../../../etc', prompts: 0 }], 'additions.0.sha256'],
  ['reuse', 'x'],
  ['reuse', [{ toString: 1 }], 'reuse.0'],
  ['metadata', []],
  ['format', 2],
];

function withValue(path: string, value: unknown): unknown {
  const manifest = structuredClone(manifestOf(3)) as unknown as Record<string, any>;
  const names = path.split('.');
  const last = names.pop()!;
  const parent = names.reduce<Record<string, any>>((object, name) => object[name], manifest);
  parent[last] = value;
  return manifest;
}

for (const [path, value, named = path] of hostile) {
  test(`refuses ${path} = ${JSON.stringify(value).slice(0, 60)}`, () => {
    const { error } = manifestSchema.safeParse(withValue(path, value));
    assert.ok(error);
    assert.ok(
      error.issues.some((issue) => issue.path.join('.') === named),
      JSON.stringify(error.issues),
    );
  });
}

test('lets through what a later version may add, wherever it does', () => {
  const manifest = withValue('settings.later', 1) as Record<string, any>;
  manifest['later'] = { anything: [true] };
  manifest['limits'].later = 'x';
  assert.deepEqual(manifestSchema.parse(manifest), manifest);
});

test('keeps a key of the metadata that objects have a meaning for', () => {
  const manifest = withValue('metadata', JSON.parse('{"__proto__": 1, "constructor": 2}'));
  const parsed = manifestSchema.parse(manifest);
  assert.deepEqual(Object.keys(parsed.metadata), ['__proto__', 'constructor']);
});
