import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseUrlValue } from '../../../src/client/options/base-url.ts';
import {
  durationValue,
  integerValue,
  maxWorkersValue,
  shareValue,
  temperatureValue,
  textValue,
  topPValue,
  variableNameValue,
} from '../../../src/client/options/flag-values.ts';

const taken = [
  ['a duration in seconds', durationValue(1), '600s', 600_000],
  ['a duration in minutes', durationValue(1), '10m', 600_000],
  ['a duration in hours', durationValue(1), '1h', 3_600_000],
  ['a duration in milliseconds', durationValue(1), '500ms', 500],
  ['a bare number as seconds', durationValue(1), '90', 90_000],
  ['a duration with a fraction', durationValue(1), '1.5m', 90_000],
  ['a duration of nothing where that means something', durationValue(0), '0', 0],
  ['the longest duration', durationValue(1), '576h', 2_073_600_000],
  ['the least of a whole number', integerValue(1), '1', 1],
  ['the most of a whole number', integerValue(1, 500), '500', 500],
  ['a temperature of 0', temperatureValue, '0', 0],
  ['a temperature of 2', temperatureValue, '2', 2],
  ['a temperature between', temperatureValue, ' .7 ', 0.7],
  ['a top_p of 1', topPValue, '1', 1],
  ['a share', shareValue, '0.05', 0.05],
  ['a share in percent', shareValue, '5%', 0.05],
  ['all of it', shareValue, '100%', 1],
  ['a text', textValue, 'a b', 'a b'],
  ['the name of a variable', variableNameValue, 'DEEPSEEK_API_KEY', 'DEEPSEEK_API_KEY'],
  ['an address', baseUrlValue, 'https://api.example.com/v1', 'https://api.example.com/v1'],
  ['an address with a slash at its end', baseUrlValue, 'http://[::1]:80/v1//', 'http://[::1]/v1'],
  ['an address without a path', baseUrlValue, 'http://127.0.0.1:8000/', 'http://127.0.0.1:8000'],
] as const;

for (const [title, schema, text, value] of taken) {
  test(`takes ${title}: ${text}`, () => {
    assert.equal(schema.parse(text), value);
  });
}

for (const [text, maxWorkers, autoWorkers] of [
  ['20', 20, false],
  ['auto', 500, true],
  ['auto:50', 50, true],
  ['auto:1', 1, true],
] as const) {
  test(`takes prompts at once: ${text}`, () => {
    assert.deepEqual(maxWorkersValue.parse(text), { maxWorkers, autoWorkers });
  });
}

const refused = [
  [maxWorkersValue, '0', /from 1 to 5000, or "auto".* got "0"/],
  [maxWorkersValue, '5001', /got "5001"/],
  [maxWorkersValue, 'auto:', /got "auto:"/],
  [maxWorkersValue, 'auto:0', /got "auto:0"/],
  [maxWorkersValue, 'auto50', /got "auto50"/],
  [maxWorkersValue, 'auto:5001', /got "auto:5001"/],
  [maxWorkersValue, '', /got ""/],
  [durationValue(1), '0', /duration .* above 0.* got "0"/],
  [durationValue(1), '-5s', /got "-5s"/],
  [durationValue(1), '577h', /at most 576h/],
  [durationValue(1), '10 parsecs', /got "10 parsecs"/],
  [durationValue(1), '1.2.3s', /got "1.2.3s"/],
  [durationValue(1), '', /got ""/],
  [integerValue(1), '0', /^must be a whole number of at least 1, got "0"$/],
  [integerValue(1), '1.5', /got "1.5"/],
  [integerValue(1), '1e3', /got "1e3"/],
  [integerValue(1), '99999999999999999999', /got "99999999999999999999"/],
  [integerValue(1, 500), '501', /^must be a whole number from 1 to 500, got "501"$/],
  [temperatureValue, 'hot', /^must be a number from 0 to 2, got "hot"$/],
  [temperatureValue, '2.01', /got "2.01"/],
  [temperatureValue, '-0.1', /got "-0.1"/],
  [temperatureValue, '0x1', /got "0x1"/],
  [temperatureValue, '', /got ""/],
  [topPValue, '0', /above 0, up to 1, got "0"/],
  [topPValue, '1.1', /got "1.1"/],
  [shareValue, '101%', /got "101%"/],
  [shareValue, '5', /0% to 100%, got "5"/],
  [textValue, '  ', /not empty/],
  [baseUrlValue, 'api.example.com/v1', /http or https address/],
  [baseUrlValue, 'ftp://example.com', /http:\/\/ or https:\/\/, got "ftp:\/\/example\.com"/],
  [baseUrlValue, 'https://example.com/v1?key=1', /after "\?" or "#"/],
  [baseUrlValue, 'https://example.com/v1#x', /after "\?" or "#"/],
  [baseUrlValue, 'https://example.com/v1/chat/completions/', /must end before \/chat\/completions/],
] as const;

for (const [schema, text, message] of refused) {
  test(`refuses "${text}" (${message.source})`, () => {
    const parsed = schema.safeParse(text);
    assert.match(parsed.error?.issues[0]?.message ?? 'taken', message);
  });
}

test('does not repeat a key that was typed in the place of its variable', () => {
  const parsed = variableNameValue.safeParse('sk-12345-secret');
  assert.match(parsed.error?.issues[0]?.message ?? 'taken', /not the key itself/);
  assert.doesNotMatch(parsed.error?.message ?? '', /secret/);
});

for (const address of [
  'https://user:secret@example.com/v1',
  'http//user:secret@example.com',
  'https://me:secret@:bad',
]) {
  test(`does not repeat the password in ${address.slice(0, 8)}…`, () => {
    const parsed = baseUrlValue.safeParse(address);
    assert.equal(parsed.success, false);
    assert.doesNotMatch(parsed.error?.message ?? '', /secret/);
  });
}

test('a wrong address with a key says where the key belongs', () => {
  const parsed = baseUrlValue.safeParse('https://user:secret@example.com/v1');
  assert.match(parsed.error?.issues[0]?.message ?? 'taken', /--api-key-env/);
});
