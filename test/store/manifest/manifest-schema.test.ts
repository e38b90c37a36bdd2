import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { baseUrlValue } from '../../../src/client/options/base-url.ts';
import { isPlainAddress } from '../../../src/providers/plain-address.ts';
import { manifestSchema } from '../../../src/store/manifest/manifest-schema.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';

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
  ...[
    'https://\u0430pi.deepseek.com',
    'https://api.deep\u00adseek.com',
    'https://api.deepseek.com/v\u2460',
    'https://\u2460.example.com',
    'https://evil.example\\@api.deepseek.com',
    'https:\\\\evil.example/v1',
    'https://api.deepseek.com@evil.example',
    'https:evil.example/https://api.deepseek.com',
    'HTTPS://api.deepseek.com',
    'https://API.deepseek.com',
    'https://api.deepseek.com:443',
    'https://api.deepseek.com/',
    'https://api.deepseek.com/v1/../v2',
    'https://api.deepseek.com?',
    'https://api.deepseek.com/v1#/v2',
    ' https://api.deepseek.com',
    'https://api.deep\nseek.com',
    "https://x;touch$IFS'a'.example.com",
    'https://$(id).example.com',
  ].map((value): [string, string] => ['settings.baseUrl', value]),
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
  ['reuse', ['../../../etc/x'], 'reuse.0'],
  ['reuse', ['$(id)'], 'reuse.0'],
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

test('refuses more shards than the most prompts and additions need: each is looked at', () => {
  const of = (shards: number) => ({ ...manifestOf(3), prompts: shards, shards, shard_size: 1 });
  assert.ok(manifestSchema.safeParse(of(200_000)).success);
  const { error } = manifestSchema.safeParse(of(200_001));
  assert.deepEqual(
    error?.issues.map(({ path }) => path.join('.')),
    ['shards'],
  );
});

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

for (const typed of [
  'https://api.deepseek.com',
  'https://api.deepseek.com/',
  'HTTPS://API.DeepSeek.com:443/v1//',
  'https:api.example.com/v1',
  'http://[::1]:8000/v1',
  'http://gpu_1.lan:8000/a b/é',
  'https://bücher.example/v1',
  'http://0x7f.1/v1',
]) {
  test(`takes ${typed} as the command line writes it`, () => {
    const baseUrl = baseUrlValue.parse(typed);
    // oxlint-disable-next-line no-control-regex
    assert.match(baseUrl, /^[\u0021-\u007e]+$/);
    assert.equal(manifestSchema.parse(withValue('settings.baseUrl', baseUrl)).settings.baseUrl, baseUrl);
  });
}

test('no address is written that a manifest may not have', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), fc.string({ unit: 'binary' }), (url, more) => {
      const { success, data } = baseUrlValue.safeParse(url + more);
      assert.ok(!success || isPlainAddress(data));
    }),
  );
});
