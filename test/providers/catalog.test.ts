import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providerNames } from '../../src/core/settings.ts';
import { providers } from '../../src/providers/catalog.ts';
import { priceOf } from '../../src/providers/pricing/prices.ts';

for (const name of providerNames) {
  test(`${name} is complete`, () => {
    const provider = providers[name];
    assert.equal(provider.name, name);
    if (provider.baseUrl !== null) assert.doesNotMatch(provider.baseUrl, /\/$/);
    if (provider.needsApiKey) assert.ok(provider.apiKeyEnv);
  });

  test(`${name}: the price of a default model is known`, (t) => {
    const { baseUrl, defaultModel: model } = providers[name];
    if (model === null) return t.skip('it has none');
    assert.ok(priceOf({ provider: name, baseUrl: baseUrl ?? '', model }, new Date('2026-10-01T12:00:00Z')));
  });
}
