import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { isLiveProcess, processStart } from '../../src/system/live-process.ts';
import { readRecord, recordPath } from '../../src/temporal-server/server-record.ts';
import { createGate, createWorkplace } from '../e2e/workplace.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { descendantsOf, listenersOf } from './support/places.ts';

const onLinux = { skip: process.platform !== 'linux' && 'only Linux shows another process' };

const server = useTestServer();

test('whatever the server and a run listen on is on loopback', onLinux, async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, { script: gate.script });
  const run = place.startRun(await place.write('prompts.json', ['one']));
  await place.provider.until(() => place.provider.inFlight === 1);
  const { pid, ports, uiAddress } = readRecord(server.home)!;
  const ofServer = (await Promise.all([pid!, ...(await descendantsOf(pid!))].map(listenersOf))).flat();
  const ofRun = (await Promise.all([run.pid, ...(await descendantsOf(run.pid))].map(listenersOf))).flat();
  const { ui, ...others } = ports;
  const recorded = [
    { address: uiAddress, port: ui },
    ...Object.values(others).map((port) => ({ address: '127.0.0.1', port })),
  ];
  for (const listener of recorded)
    assert.ok(
      ofServer.some((one) => isDeepStrictEqual(one, listener)),
      `nobody listens on ${listener.address}:${listener.port}`,
    );
  assert.match(uiAddress, /^127\./);
  assert.notEqual(uiAddress, '127.0.0.1');
  // What is not in its record is Temporal's own services.
  const unrecorded = ofServer.filter((one) => !recorded.some((listener) => isDeepStrictEqual(one, listener)));
  assert.deepEqual(new Set(unrecorded.map(({ address }) => address)), new Set(['127.0.0.1']));
  assert.deepEqual(ofRun, []);
  gate.open();
  assert.equal((await run.ended).code, 0);
});

/** A process that has nothing to do with the server. */
function bystander(t: TestContext): number {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  return child.pid!;
}

const forgeries: [string, (pid: number) => object][] = [
  ['only its pid', (pid) => ({ pid, processStart: null })],
  ['its pid and when it started', (pid) => ({ pid, processStart: processStart(pid) })],
  ['a pid that was reused', (pid) => ({ pid, processStart: '1-00000000' })],
];
for (const [title, forged] of forgeries) {
  test(`"server stop" ends no process that server.json names wrongly: ${title}`, onLinux, async (t) => {
    const place = await createWorkplace(t, server);
    const path = recordPath(server.home);
    const record = await readFile(path, 'utf8');
    const pid = bystander(t);
    await writeFile(path, JSON.stringify({ ...JSON.parse(record), ...forged(pid) }));
    try {
      const { code, stderr } = await place.cli(['server', 'stop']);
      assert.ok(isLiveProcess(pid, null), 'it was ended');
      assert.ok(code === 0 || stderr.includes(String(pid)), stderr);
    } finally {
      await writeFile(path, record);
    }
    assert.equal((await place.cli(['server', 'status'])).code, 0);
  });
}
