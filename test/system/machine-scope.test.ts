import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import type { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { machineScope, pidScope } from '../../src/system/machine-scope.ts';

const card = (mac: string, internal = false) =>
  [{ mac, internal, address: '10.0.0.1', family: 'IPv4' }] as ReturnType<typeof networkInterfaces>[string];
const loopback = card('00:00:00:00:00:00', true)!;
const mine = { lo0: loopback, en0: card('aa:00:00:00:00:01')!, en1: card('aa:00:00:00:00:02')! };

test('the same machine has the same scope, in whatever order its cards come', () => {
  const { en0, en1 } = mine;
  assert.equal(
    machineScope('darwin', 'mac', mine),
    machineScope('darwin', 'mac', { en1, lo0: loopback, en0 }),
  );
  assert.match(machineScope('darwin', 'mac', mine), /^darwin-[\da-f]{8}$/);
});

for (const [title, other] of [
  ['another machine of the same name', machineScope('darwin', 'mac', { en0: card('bb:00:00:00:00:09')! })],
  ['another name with the same cards', machineScope('darwin', 'other', mine)],
  ['another platform', machineScope('win32', 'mac', mine)],
  ['a machine without cards', machineScope('darwin', 'mac', { lo0: loopback })],
] as const) {
  test(`${title} has another scope`, () => assert.notEqual(other, machineScope('darwin', 'mac', mine)));
}

test('a scope has no character that separates the parts of an identity, a ledger file or a lock', () => {
  for (const scope of [pidScope(), machineScope('win32', 'pc', mine)]) assert.match(scope, /^[\da-z-]+$/);
});

const inNamespace = (program: string) =>
  spawnSync(
    'unshare',
    ['-Urpf', '--mount-proc', process.execPath, '--import', 'tsx', '--input-type=module', '-e', program],
    {
      encoding: 'utf8',
    },
  );
const noNamespaces =
  process.platform !== 'linux' || inNamespace('').status !== 0 ? 'no pid namespaces can be made here' : false;

test('a container of the same hostname proves nothing of a process outside', { skip: noNamespaces }, () => {
  const module = JSON.stringify(new URL('../../src/system/worker-identity.ts', import.meta.url).href);
  const { stdout, stderr } = inNamespace(
    `
    const { isProvenDead, pidVerdict, workerIdentity } = await import(${module});
    const outside = process.env.OUTSIDE;
    const [name, start, scope] = workerIdentity().split('/');
    const gone = ['999999@' + name.split('@')[1], start, scope].join('/');
    console.log(JSON.stringify([pidVerdict(outside), pidVerdict(workerIdentity()), isProvenDead(gone), scope]));`.replace(
      'process.env.OUTSIDE',
      JSON.stringify(
        `999999@${spawnSync('hostname', { encoding: 'utf8' }).stdout.trim()}/1-00000000/${pidScope()}`,
      ),
    ),
  );
  const [outside, own, gone, scope] = JSON.parse(stdout || 'null') ?? assert.fail(stderr);
  assert.deepEqual([outside, own, gone], ['unknown', 'alive', true]);
  assert.notEqual(scope, pidScope());
});
