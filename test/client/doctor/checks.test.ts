import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkBuild } from '../../../src/client/doctor/build-check.ts';
import { checkClock } from '../../../src/client/doctor/clock-check.ts';
import type { Verdict } from '../../../src/client/doctor/finding.ts';
import { checkOutputFolder } from '../../../src/client/doctor/folder-check.ts';
import { checkKey } from '../../../src/client/doctor/key-check.ts';
import { checkNode } from '../../../src/client/doctor/node-check.ts';
import { checkTerminal } from '../../../src/client/doctor/terminal-check.ts';
import { providers } from '../../../src/providers/catalog.ts';
import { openOutputFolder } from '../../../src/store/output-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const nodes: [version: string, verdict: Verdict][] = [
  ['20.6.0', 'ok'],
  ['20.20.2', 'ok'],
  ['v22.0.0', 'ok'],
  ['20.5.1', 'failed'],
  ['18.20.0', 'failed'],
];
for (const [version, verdict] of nodes) {
  test(`Node ${version} is ${verdict} where 20.6 is the least`, () => {
    assert.equal(checkNode(version, '>=20.6').verdict, verdict);
  });
}

const secret = 'sk-0123456789abcdefghijklmnopqrstuv';
const keys: [title: string, environment: string | undefined, dotEnv: string | undefined, Verdict, RegExp][] =
  [
    ['in the environment', secret, undefined, 'ok', /KEY is set in the environment and looks like a key/],
    ['in .env', undefined, secret, 'ok', /set in \.env/],
    ['in both alike', secret, secret, 'ok', /in the environment/],
    ['in both, differently', secret, `${secret}x`, 'warning', /differently in \.env; the environment counts/],
    ['nowhere', undefined, undefined, 'failed', /KEY is not set/],
    ['set to nothing over .env', '', secret, 'failed', /set to nothing in the environment, which hides/],
    ['with quotes', `"${secret}"`, undefined, 'warning', /quotes/],
    ['with Bearer', `Bearer ${secret}`, undefined, 'warning', /only what follows it is the key/],
    ['with a line break', `${secret}\n${secret}`, undefined, 'warning', /line breaks/],
    ['with an umlaut', `${secret}ä`, undefined, 'warning', /no header can carry/],
    ['a placeholder', 'your-api-key', undefined, 'warning', /placeholder/],
    ['of another kind', 'AIza0123456789abcdefghijklmnop', undefined, 'warning', /does not begin with "sk-"/],
    ['cut off', 'sk-0123', undefined, 'warning', /too short/],
  ];
for (const [title, environment, dotEnv, verdict, found] of keys) {
  test(`a key ${title}: ${verdict}, and nothing of it is told`, () => {
    const provider = providers.deepseek;
    const finding = checkKey({ provider, variable: 'KEY', isOwnAddress: true, environment, dotEnv });
    assert.equal(finding.verdict, verdict, finding.found);
    assert.match(finding.found, found);
    if (verdict !== 'ok') assert.match(finding.advice ?? '', /KEY|--api-key-env/);
    assert.doesNotMatch(JSON.stringify(finding), /sk-0123|AIza|abcdef/);
  });
}

test('a local server needs no key, and one of any look is right for another address', () => {
  const provider = providers['openai-compatible'];
  const places = { provider, variable: 'KEY', isOwnAddress: false, dotEnv: undefined };
  assert.equal(checkKey({ ...places, environment: undefined }).verdict, 'ok');
  assert.equal(checkKey({ ...places, environment: 'ollama-key' }).verdict, 'ok');
});

const NOON = Date.parse('2026-11-23T12:00:00Z');
const clocks: [title: string, date: number, Verdict, RegExp][] = [
  ['right', NOON, 'ok', /as by example\.com/],
  ['three seconds off', NOON - 3000, 'ok', /as by/],
  ['a minute ahead', NOON - 60_000, 'warning', /ahead of example\.com/],
  ['a minute behind', NOON + 60_000, 'warning', /behind example\.com/],
  ['an hour behind', NOON + 3_600_000, 'failed', /^60m|^1h|^59m/],
];
for (const [title, date, verdict, found] of clocks) {
  test(`a clock that is ${title}: ${verdict}`, () => {
    const foreign = { whose: 'example.com', date, sentAt: NOON, answeredAt: NOON + 200 };
    const finding = checkClock(foreign, NOON + 200, 0);
    assert.equal(finding.verdict, verdict, finding.found);
    assert.match(finding.found, found);
  });
}

test('a clock that nobody can be asked about is right unless it is before the build', () => {
  assert.equal(checkClock(null, NOON, NOON - 1).verdict, 'ok');
  assert.equal(checkClock(null, NOON, NOON + 1).verdict, 'failed');
});

test('a folder is tried, told with its store, and left as it was', async (t) => {
  const folder = await temporaryFolder(t);
  const fresh = await checkOutputFolder(join(folder, 'a', 'b'));
  assert.match(fresh.found, /a.b: will be made, fsync works, [\d.]+ GB free/);
  assert.deepEqual(await readdir(folder), []);

  const { uuid } = await openOutputFolder(folder);
  await mkdir(join(folder, 'one'));
  await writeFile(join(folder, 'one', 'batch.json'), '{}');
  const before = await readdir(folder);
  assert.match(
    (await checkOutputFolder(folder)).found,
    new RegExp(`writable, .*; store ${uuid} with 1 batch$`),
  );
  assert.deepEqual(await readdir(folder), before);
});

test('a folder where a file is in the way has failed', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  for (const path of [file, join(file, 'below')]) {
    const { verdict, found, advice } = await checkOutputFolder(path);
    assert.equal(verdict, 'failed', found);
    assert.match(advice ?? '', /--output-dir/);
  }
});

test('a build without its bundle has failed', async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = join(folder, 'bundle.js');
  assert.equal((await checkBuild('1.0.0', () => bundle)).verdict, 'failed');
  await writeFile(bundle, '');
  assert.match((await checkBuild('1.0.0', () => bundle)).found, /empty/);
  await writeFile(bundle, 'x');
  assert.match((await checkBuild('1.0.0', () => bundle)).found, /^durabatch 1\.0\.0, workflows built 20/);
});

const terminals: [title: string, Partial<Parameters<typeof checkTerminal>[0]>, Verdict][] = [
  ['a usual one', {}, 'ok'],
  ['none at all', { isTTY: false, env: {} }, 'ok'],
  ['a narrow one', { columns: 40 }, 'warning'],
  ['one without UTF-8', { env: { LANG: 'C' } }, process.platform === 'win32' ? 'ok' : 'warning'],
];
for (const [title, traits, verdict] of terminals) {
  test(`as a terminal, ${title} is ${verdict}`, () => {
    const usual = { isTTY: true, columns: 100, color: true, env: { LANG: 'C.UTF-8' } };
    assert.equal(checkTerminal({ ...usual, ...traits }).verdict, verdict);
  });
}
