import assert from 'node:assert/strict';
import { type FileHandle, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { possiblyPaidOf } from '../../../src/store/ledger/bill.ts';
import { LedgerReader } from '../../../src/store/ledger/ledger-reader.ts';
import { LedgerWriteError, LedgerWriter } from '../../../src/store/ledger/ledger-writer.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { answer, byId, contentOf, fault, start } from '../support/records.ts';
import { fillDisk, noSmallDisk, smallDisk } from '../support/small-disk.ts';

const LAST = 9999;
const durable = { durable: true };

async function readBack(folder: string): Promise<LedgerRecord[]> {
  const reader = new LedgerReader(folder, 0, LAST);
  await reader.refresh();
  return contentOf(reader, LAST);
}

/** Checks that only the last line of a file is torn, and answers how many of its lines are whole. */
async function wholeLines(folder: string, file: string): Promise<number> {
  const lines = (await readFile(join(folder, file), 'utf8')).split('\n').slice(0, -1);
  for (const line of lines) JSON.parse(line);
  return lines.length;
}

test('what has resolved is on disk, however many appends came at once', async (t) => {
  const folder = join(await temporaryFolder(t), 'ledger', '00000');
  const writer = new LedgerWriter(folder, 'worker');
  t.after(() => writer.close());
  const records = Array.from({ length: 500 }, (_, index) => answer(`a${index}`, { index }));
  await Promise.all(
    records.map(async (record) => {
      await writer.append(record, durable);
      const [file] = await readdir(folder);
      assert.ok((await readFile(join(folder, file!), 'utf8')).includes(`${JSON.stringify(record)}\n`));
    }),
  );
  assert.equal((await readdir(folder)).length, 1);
  assert.deepEqual(await readBack(folder), byId(records));
  assert.equal(writer.unsaved, 0);
});

test('records of one process stay in the order they were handed over', async (t) => {
  const folder = await temporaryFolder(t);
  const writer = new LedgerWriter(folder, 'worker');
  t.after(() => writer.close());
  const ids = Array.from({ length: 50 }, (_, i) => `r${i}`);
  await Promise.all(ids.map((id, i) => writer.append(start(id), { durable: i % 7 === 0 })));
  const [file] = await readdir(folder);
  const lines = (await readFile(join(folder, file!), 'utf8')).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as LedgerRecord).id),
    ids,
  );
});

test('two writers never share a file, whatever they are called', async (t) => {
  const folder = await temporaryFolder(t);
  const writers = [new LedgerWriter(folder, 'same'), new LedgerWriter(folder, 'same')];
  t.after(() => Promise.all(writers.map((writer) => writer.close())));
  await Promise.all(writers.map((writer, i) => writer.append(answer(`a${i}`), durable)));
  assert.equal((await readdir(folder)).length, 2);
});

test('a folder that cannot be made keeps answers and faults in memory, forgets starts, and saves once it can', async (t) => {
  const parent = join(await temporaryFolder(t), 'in-the-way');
  await writeFile(parent, 'a file where the folder should be');
  const folder = join(parent, '00000');
  const writer = new LedgerWriter(folder, 'worker');
  t.after(() => writer.close());
  await assert.rejects(writer.append(start('s1'), { durable: false }), (error: Error) => {
    assert.ok(error instanceof LedgerWriteError);
    assert.ok(error.message.includes(folder), error.message);
    return true;
  });
  await assert.rejects(writer.append(answer('a1'), durable), LedgerWriteError);
  await assert.rejects(writer.append(answer('a2'), durable), LedgerWriteError);
  await assert.rejects(writer.append(fault('f1'), { durable: false }), LedgerWriteError);
  await assert.rejects(writer.saveUnsaved(), LedgerWriteError);
  assert.equal(writer.unsaved, 2, 'answers alone');

  await rm(parent);
  await writer.saveUnsaved();
  assert.equal(writer.unsaved, 0);
  await writer.saveUnsaved();
  assert.deepEqual(await readBack(folder), [answer('a1'), answer('a2'), fault('f1')]);
});

test('a free request stays free where its fault came to a full disk', { skip: noSmallDisk }, async (t) => {
  const disk = await smallDisk(t);
  if (disk === null) return;
  const writer = new LedgerWriter(join(disk, 'ledger'), 'worker');
  t.after(() => writer.close());
  await writer.append(start('refused'), { durable: false });
  const filler = await fillDisk(disk);
  const free = fault('f', { start: 'refused', message: 'x'.repeat(5000), possiblyPaid: false });
  await assert.rejects(writer.append(free, { durable: false }), /ENOSPC/);
  assert.deepEqual([writer.unsaved, writer.hasUnsaved], [0, true]);
  await rm(filler);
  await writer.saveUnsaved();
  assert.equal(writer.hasUnsaved, false);
  const reader = new LedgerReader(join(disk, 'ledger'), 0, LAST);
  await reader.refresh();
  assert.deepEqual(possiblyPaidOf(reader.history(0)), []);
});

test('a start that a failed write left whole on disk is no request that may have been paid', async (t) => {
  const folder = await temporaryFolder(t);
  const writer = new LedgerWriter(folder, 'worker');
  t.after(() => writer.close());
  await writer.append(start('sent'), { durable: false });
  const [name] = await readdir(folder);
  const handle = await open(join(folder, name!), 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  // A disk that is full in the middle of the write: the first two of four starts are whole.
  const write = prototype.write as (
    this: FileHandle,
    bytes: Buffer,
    offset: number,
    length: number,
  ) => unknown;
  const torn = t.mock.method(
    prototype,
    'write',
    async function (this: FileHandle, bytes: Buffer): Promise<never> {
      await write.call(this, bytes, 0, Math.floor(bytes.length * 0.6));
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    },
  );
  const ids = ['s0', 's1', 's2', 's3'];
  const appends = ids.map((id, index) => writer.append(start(id, { index }), { durable: false }));
  for (const append of appends) await assert.rejects(append, /ENOSPC/);
  torn.mock.restore();
  const whole = (await readBack(folder)).map(({ id }) => id);
  assert.deepEqual(whole.toSorted(), ['s0', 's1', 'sent'], 'what the failed write has left');
  assert.deepEqual([writer.unsaved, writer.hasUnsaved], [0, true]);

  await writer.saveUnsaved();
  const reader = new LedgerReader(folder, 0, LAST);
  await reader.refresh();
  const possiblyPaid = ids.flatMap((_, index) => possiblyPaidOf(reader.history(index)).map(({ id }) => id));
  assert.deepEqual(possiblyPaid, ['sent'], 'the one that was sent, and nothing else');
});

test('the next append writes first what an earlier failure left', async (t) => {
  const parent = join(await temporaryFolder(t), 'in-the-way');
  await writeFile(parent, '');
  const folder = join(parent, '00000');
  const writer = new LedgerWriter(folder, 'worker');
  t.after(() => writer.close());
  await assert.rejects(writer.append(answer('first'), durable));
  await rm(parent);
  await writer.append(start('second'), { durable: false });
  const [file] = await readdir(folder);
  const lines = (await readFile(join(folder, file!), 'utf8')).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as LedgerRecord).id),
    ['first', 'second'],
  );
});

test('on a full disk no answer is lost and only last lines are torn', { skip: noSmallDisk }, async (t) => {
  const disk = await smallDisk(t);
  if (disk === null) return;
  const folder = join(disk, 'ledger');
  const filler = join(disk, 'filler');
  await mkdir(dirname(filler), { recursive: true });
  await writeFile(filler, Buffer.alloc(32 * 1024));
  const writer = new LedgerWriter(folder, 'worker');
  t.after(() => writer.close());

  const handedOver: LedgerRecord[] = [];
  const failures: unknown[] = [];
  for (let round = 0; failures.length === 0; round++) {
    const group = Array.from({ length: 5 }, (_, i) => {
      const id = `a${String(round).padStart(3, '0')}-${i}`;
      return answer(id, { choices: [{ sample: 1, text: 'é😀'.repeat(150), finishReason: 'stop' }] });
    });
    handedOver.push(...group);
    const results = await Promise.allSettled(group.map((record) => writer.append(record, durable)));
    for (const result of results) if (result.status === 'rejected') failures.push(result.reason);
  }
  assert.match(String(failures[0]), /LedgerWriteError: .*ENOSPC/);
  assert.equal(writer.unsaved, failures.length);
  const [torn] = await readdir(folder);
  const whole = await wholeLines(folder, torn!);

  // Still full: it fails again, and loses nothing. Of a start only that it was not sent is worth keeping.
  await assert.rejects(writer.append(start('s'), { durable: false }), /ENOSPC/);
  const late = answer('late');
  handedOver.push(late);
  await assert.rejects(writer.append(late, durable), /ENOSPC/);
  assert.equal(writer.unsaved, failures.length + 1);
  const saved = handedOver.length - writer.unsaved;
  assert.ok(saved > 0 && whole >= saved, `${whole} lines for ${saved} saved answers`);

  await rm(filler);
  const after = answer('zzz after');
  handedOver.push(after);
  await writer.append(after, durable);
  assert.equal(writer.unsaved, 0);
  const files = await readdir(folder);
  assert.ok(files.length >= 2, 'the torn file was written to again');
  for (const file of files) await wholeLines(folder, file);
  assert.equal(await wholeLines(folder, torn!), whole);
  const records = await readBack(folder);
  const unsent = records.filter((record) => record.type === 'fault');
  assert.deepEqual(
    unsent.map((record) => [record.start, record.possiblyPaid]),
    [['s', false]],
  );
  assert.deepEqual(
    records.filter((record) => record.type !== 'fault'),
    byId(handedOver),
  );
});

test('what is more than fits into one string is written in pieces, also after a piece has failed', async (t) => {
  const folder = await temporaryFolder(t);
  const reader = new LedgerReader(folder, 0, LAST);
  const pieceCharacters = 1000;
  const writer = new LedgerWriter(folder, 'worker', reader, pieceCharacters);
  t.after(() => writer.close());
  await writer.append(answer('first'), durable);
  const handle = await open(join(folder, (await readdir(folder))[0]!), 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const write = prototype.write as (this: FileHandle, bytes: Buffer, offset: number) => Promise<unknown>;
  const sizes: number[] = [];
  t.mock.method(prototype, 'write', function (this: FileHandle, bytes: Buffer, offset: number) {
    sizes.push(bytes.length);
    if (sizes.length === 3) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    return write.call(this, bytes, offset);
  });
  const short = Array.from({ length: 20 }, (_, index) => answer(`a${index}`, { index }));
  const text = 'x'.repeat(2 * pieceCharacters);
  const long = answer('long', { index: 20, choices: [{ sample: 1, text, finishReason: 'stop' }] });
  const records = [...short.slice(0, 10), long, ...short.slice(10)];
  const appends = records.map((record) => writer.append(record, durable));
  for (const append of appends) await assert.rejects(append, /ENOSPC/);
  assert.equal(writer.unsaved, records.length);

  await writer.append(answer('last', { index: 21 }), durable);
  assert.equal(writer.unsaved, 0);
  const single = JSON.stringify(long).length + 1;
  assert.ok(sizes.length > 8 && sizes.includes(single), String(sizes));
  assert.ok(
    sizes.every((size) => size <= pieceCharacters || size === single),
    String(sizes),
  );
  const all = byId([answer('first'), ...records, answer('last', { index: 21 })]);
  assert.deepEqual(await readBack(folder), all);
  await reader.refresh();
  assert.deepEqual(await contentOf(reader, LAST), all);
});

test('whoever has appended a record that needs no fsync decides with it, also where others are synced beside it', async (t) => {
  const folder = join(await temporaryFolder(t), 'ledger', '00000');
  const told = new Set<string>();
  const writer = new LedgerWriter(folder, 'worker', {
    writing: () => {},
    wrote: (_file, records) => records.forEach(({ record }) => told.add(record.id)),
    left: () => {},
  });
  t.after(() => writer.close());
  for (let round = 0; round < 20; round++) {
    const records = [
      { record: answer(`answer-${round}`, { index: 0 }), options: durable },
      { record: fault(`fault-${round}`, { index: 1 }), options: { durable: false } },
    ];
    await Promise.all(
      records.map(async ({ record, options }) => {
        await writer.append(record, options);
        assert.ok(told.has(record.id), `${record.id} has resolved and is not known`);
      }),
    );
  }
});

test('closing waits for a slow disk without keeping the event loop busy', async (t) => {
  const folder = join(await temporaryFolder(t), 'ledger');
  const writer = new LedgerWriter(folder, 'worker');
  await writer.append(answer('first'), durable);
  const file = await open(join(folder, 'other'), 'w');
  const fileHandle = Object.getPrototypeOf(file) as typeof file;
  await file.close();
  let syncing = (): void => {};
  const isSyncing = new Promise<void>((resolve) => (syncing = resolve));
  let releaseDisk = (): void => {};
  const slowDisk = new Promise<void>((resolve) => (releaseDisk = resolve));
  t.mock.method(fileHandle, 'datasync', async () => {
    syncing();
    await slowDisk;
  });
  const appended = writer.append(answer('second'), durable);
  await isSyncing;

  const turn = setImmediate;
  const turns = t.mock.method(globalThis, 'setImmediate');
  const closed = writer.close();
  for (let i = 0; i < 100; i++) await new Promise((resolve) => turn(resolve));
  assert.equal(turns.mock.callCount(), 0);
  releaseDisk();
  await Promise.all([appended, closed]);
  assert.deepEqual(await readBack(folder), [answer('first'), answer('second')]);
});

test(
  'closing beside records that no disk takes ends, and they can still be saved',
  { skip: noSmallDisk },
  async (t) => {
    const disk = await smallDisk(t);
    if (disk === null) return;
    const folder = join(disk, 'ledger');
    const writer = new LedgerWriter(folder, 'worker');
    await writer.append(answer('first'), durable);
    const filler = await fillDisk(disk);
    const large = answer('large', { choices: [{ sample: 1, text: 'x'.repeat(9000), finishReason: 'stop' }] });
    const refused = assert.rejects(writer.append(large, durable), /ENOSPC/);
    await writer.close();
    await refused;
    assert.equal(writer.unsaved, 1);
    await rm(filler);
    await writer.saveUnsaved();
    await writer.close();
    assert.deepEqual(await readBack(folder), [answer('first'), large]);
  },
);
