import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenForecast } from '../../src/throttling/token-forecast.ts';

test('until something was answered, a request is taken to come to the most it can', () => {
  assert.equal(createTokenForecast().of(1000), 1000);
});

test('answers say how much of the most a request comes to', () => {
  const forecast = createTokenForecast();
  forecast.learn(1000, 250);
  assert.equal(forecast.of(400), 100);
});

test('the answers of late decide', () => {
  const forecast = createTokenForecast();
  forecast.learn(1000, 1000);
  for (let count = 0; count < 300; count++) forecast.learn(1000, 250);
  assert.ok(forecast.of(1000) <= 252, String(forecast.of(1000)));
});
