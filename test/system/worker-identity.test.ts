import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { isProvenDead, workerIdentity } from '../../src/system/worker-identity.ts';

const own = workerIdentity();
const [name, start, scope] = own.split('/') as [string, string, string];

test('an identity names process and host first, and stays the same', () => {
  assert.equal(name, `${process.pid}@${hostname()}`);
  assert.equal(workerIdentity(), own);
});

test('this process is not dead', () => assert.equal(isProvenDead(own), false));

test('a process is proven dead once it has ended, and not before', async (t) => {
  const program = `
    const { workerIdentity } = await import(${JSON.stringify(new URL('../../src/system/worker-identity.ts', import.meta.url).href)});
    process.stdout.write(workerIdentity() + '\\n');
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const identity = String((await lines.next()).value);
  assert.ok(identity.startsWith(`${child.pid}@`), identity);
  assert.equal(isProvenDead(identity), false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isProvenDead(identity), true);
});

const dead = 2 ** 22 + 1;
const notProven: { title: string; identity: string }[] = [
  { title: 'nothing', identity: '' },
  { title: 'the SDK’s own form', identity: `${dead}@${hostname()}` },
  { title: 'another host', identity: `${dead}@elsewhere.invalid/${start}/${scope}` },
  { title: 'another boot or container', identity: `${dead}@${hostname()}/${start}/0-0` },
  { title: 'no pid', identity: `x@${hostname()}/${start}/${scope}` },
  { title: 'a negative pid, which would be a process group', identity: `-1@${hostname()}/${start}/${scope}` },
  { title: 'no host', identity: `${dead}/${start}/${scope}` },
];
for (const { title, identity } of notProven) {
  test(`${title} proves nothing`, () => assert.equal(isProvenDead(identity), false));
}

test('a pid that no process has is proven dead', () => {
  assert.equal(isProvenDead(`${dead}@${hostname()}/${start}/${scope}`), true);
});

test(
  'a pid that another process has by now is proven dead',
  {
    skip: process.platform === 'linux' ? false : 'only Linux tells when a process started',
  },
  () => {
    assert.equal(isProvenDead(`${process.pid}@${hostname()}/1-other/${scope}`), true);
  },
);
