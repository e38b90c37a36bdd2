import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from '../../src/system/live-process.ts';
import { acquireProcessLock } from '../../src/system/process-lock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const source = (path: string): string =>
  JSON.stringify(new URL(`../../src/system/${path}`, import.meta.url).href);
const inChild = (code: string) =>
  spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

test('keeps processes apart', async (t) => {
  const folder = await temporaryFolder(t);
  const counter = join(folder, 'counter');
  await writeFile(counter, '0');
  const addFive = `
    import { readFile, writeFile } from 'node:fs/promises';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { acquireProcessLock } from ${source('process-lock.ts')};
    const counter = ${JSON.stringify(counter)};
    for (let turn = 0; turn < 5; turn++) {
      const release = await acquireProcessLock(${JSON.stringify(join(folder, 'lock'))});
      const value = Number(await readFile(counter, 'utf8'));
      await sleep(5);
      await writeFile(counter, String(value + 1));
      await release();
    }`;
  const codes = await Promise.all([1, 2, 3].map(async () => (await once(inChild(addFive), 'exit'))[0]));
  assert.deepEqual(codes, [0, 0, 0]);
  assert.equal(await readFile(counter, 'utf8'), '15');
  assert.deepEqual(await readdir(join(folder, 'lock')), []);
});

test('keeps callers in one process apart, and names the holder to those who wait', async (t) => {
  const folder = await temporaryFolder(t);
  const release = await acquireProcessLock(folder);
  const waits: number[] = [];
  const second = acquireProcessLock(folder, { onWait: (pid) => waits.push(pid) });
  const third = await acquireProcessLock(folder, { timeoutMs: 50 }).catch((error: Error) => error);
  assert.match(String(third), new RegExp(`process ${process.pid} has held this lock`));
  await release();
  await (
    await second
  )();
  assert.deepEqual(waits, [process.pid]);
});

test('a killed holder leaves no lock behind', async (t) => {
  const folder = await temporaryFolder(t);
  const holder = inChild(`
    import { acquireProcessLock } from ${source('process-lock.ts')};
    await acquireProcessLock(${JSON.stringify(folder)});
    console.log('held');
    setInterval(() => {}, 1000);`);
  await once(holder.stdout, 'data');
  assert.equal((await readdir(folder)).length, 1);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (
    await acquireProcessLock(folder, { timeoutMs: 0 })
  )();
  assert.deepEqual(await readdir(folder), []);
});

test(
  'a pid that another process has by now does not hold the lock',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, `${process.pid}.1-00000000.an-earlier-life`), '');
    await (
      await acquireProcessLock(folder, { timeoutMs: 0 })
    )();
  },
);

test(
  'a start token stays the same while a process lives and is gone with it',
  { skip: process.platform !== 'linux' },
  () => {
    assert.equal(processStart(process.pid), processStart(process.pid));
    assert.notEqual(processStart(process.pid), null);
    assert.equal(processStart(spawnSync(process.execPath, ['--version']).pid), null);
  },
);

/** A ticket of a process whose pid means nothing here. */
const foreignTicket = '1.77-00000000.11111111-2222-3333-4444-555555555555.00000000-4026531836';

test('a lock of another machine or container is not taken for a dead one by its pid, and goes once it stands still', async (t) => {
  const folder = await temporaryFolder(t);
  const ticket = join(folder, foreignTicket);
  await writeFile(ticket, '');
  const waits: number[] = [];
  const early = await acquireProcessLock(folder, { timeoutMs: 0, lapseMs: 600_000 }).catch(
    (error: Error) => error,
  );
  assert.match(String(early), /process 1 has held this lock/);
  assert.deepEqual(await readdir(folder), [foreignTicket]);
  const release = await acquireProcessLock(folder, { onWait: (pid) => waits.push(pid), lapseMs: 300 });
  assert.deepEqual(waits, [1]);
  assert.ok(!(await readdir(folder)).includes(foreignTicket));
  await release();
});

test('who holds a lock gives signs of life, and leaves nothing behind', async (t) => {
  const folder = await temporaryFolder(t);
  const release = await acquireProcessLock(folder);
  const [ticket = ''] = await readdir(folder);
  while ((await readFile(join(folder, ticket), 'utf8')) === '') await sleep(50);
  await release();
  assert.deepEqual(await readdir(folder), []);
});

test('a holder that others have taken for dead does not take its place again', async (t) => {
  const folder = await temporaryFolder(t);
  const release = await acquireProcessLock(folder);
  const [ticket = ''] = await readdir(folder);
  await rm(join(folder, ticket));
  const other = await acquireProcessLock(folder, { timeoutMs: 0 });
  const [, ...more] = await readdir(folder);
  assert.deepEqual(more, []);
  await release();
  assert.equal((await readdir(folder)).length, 1, 'the other one has it still');
  await other();
});

test('a lock that an older version holds, which names no scope, is judged by its pid', async (t) => {
  const folder = await temporaryFolder(t);
  const own = `${process.pid}.${processStart(process.pid) ?? ''}.11111111-2222-3333-4444-555555555555`;
  await writeFile(join(folder, own), '');
  await assert.rejects(acquireProcessLock(folder, { timeoutMs: 0 }), /has held this lock/);
});
