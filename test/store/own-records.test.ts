/** What this process wrote itself is told to its reader instead of being read back. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { ForeignLedgerError, LedgerReader } from '../../src/store/ledger/ledger-reader.ts';
import { LedgerWriter } from '../../src/store/ledger/ledger-writer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { answer, contentOf, fault, settled, start } from './support/records.ts';

const LAST = 9;
const durable = { durable: true };

function openLedger(t: TestContext, folder: string): { reader: LedgerReader; writer: LedgerWriter } {
  const reader = new LedgerReader(folder, 0, LAST);
  const writer = new LedgerWriter(folder, 'own', reader);
  t.after(() => writer.close());
  return { reader, writer };
}

async function idsOf(reader: LedgerReader): Promise<string[]> {
  await reader.refresh();
  return (await contentOf(reader, LAST)).map(({ id }) => id);
}

test('own and foreign records, written and read in any order, are what another process reads', async (t) => {
  const parent = await temporaryFolder(t);
  const step = fc.constantFrom('own', 'own unsynced', 'foreign', 'own twice', 'refresh', 'close', 'wait');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const folder = await mkdtemp(join(parent, 'ledger-'));
      const { reader, writer } = openLedger(t, folder);
      const under: Promise<void>[] = [];
      const make = [start, answer, fault, settled];
      for (const [i, what] of steps.entries()) {
        const record = make[i % 4]!(`r${String(i).padStart(2, '0')}`, { index: i % (LAST + 1) });
        if (what === 'refresh') under.push(reader.refresh());
        else if (what === 'close') await writer.close();
        else if (what === 'wait') await Promise.all(under);
        else if (what === 'foreign')
          await appendFile(join(folder, 'other.jsonl'), `${JSON.stringify(record)}\n`).catch(() =>
            assert.fail('the folder is there'),
          );
        else {
          under.push(writer.append(record, { durable: what !== 'own unsynced' }));
          if (what === 'own twice') under.push(writer.append(record, durable));
        }
      }
      await Promise.all(under);
      // A start may still be waiting for its fsync: what comes after it is told after it.
      await writer.append(settled('r99', { index: 0 }), durable);
      await reader.refresh();
      const fresh = new LedgerReader(folder, 0, LAST);
      await fresh.refresh();
      const written = steps.filter((what) => what.startsWith('own') || what === 'foreign').length;
      const content = await contentOf(reader, LAST);
      assert.equal(content.length, written + 1);
      assert.deepEqual(content, await contentOf(fresh, LAST));
      await writer.close();
    }),
    { numRuns: 60 },
  );
});

test('own records are not read back, whatever is being synced meanwhile', async (t) => {
  const folder = await temporaryFolder(t);
  const { reader, writer } = openLedger(t, folder);
  const handle = await open(join(folder, 'any'), 'w');
  const prototype = Object.getPrototypeOf(handle) as { read: () => unknown };
  await handle.close();
  const reads = t.mock.method(prototype, 'read');
  for (let i = 0; i < 20; i++) {
    const writing = writer.append(answer(`a${i}`), durable);
    await reader.refresh();
    await writing;
    await reader.refresh();
    assert.equal(reader.history(0).answers.length, i + 1);
  }
  assert.equal(reads.mock.callCount(), 0);
  await appendFile(join(folder, 'other.jsonl'), `${JSON.stringify(answer('other'))}\n`);
  await reader.refresh();
  assert.equal(reader.history(0).answers.length, 21);
  assert.equal(reads.mock.callCount(), 1);
});

test('a history stays as it was handed out, and is the same as long as nothing is new', async (t) => {
  const { reader, writer } = openLedger(t, await temporaryFolder(t));
  await writer.append(answer('later', { at: '2026-01-02T00:00:00.000Z' }), durable);
  const before = reader.history(0);
  await reader.refresh();
  assert.equal(reader.history(0), before);
  await writer.append(answer('earlier', { at: '2026-01-01T00:00:00.000Z' }), durable);
  assert.notEqual(reader.history(0), before);
  const ids = ({ answers }: typeof before): string[] => answers.map(({ id }) => id);
  assert.deepEqual([ids(before), ids(reader.history(0))], [['later'], ['earlier', 'later']]);
});

test('an own file that is taken away or cut counts no longer', async (t) => {
  const folder = await temporaryFolder(t);
  const { reader, writer } = openLedger(t, folder);
  await writer.append(answer('a1'), durable);
  await writer.append(answer('a2'), durable);
  assert.deepEqual(await idsOf(reader), ['a1', 'a2']);
  const file = join(folder, (await readdir(folder))[0]!);
  await truncate(file, Buffer.byteLength(JSON.stringify(answer('a1'))) + 1);
  assert.deepEqual(await idsOf(reader), ['a1']);
  await writer.append(answer('a3'), durable);
  assert.deepEqual(await idsOf(reader), ['a1', 'a3']);
  await rm(file);
  assert.deepEqual(await idsOf(reader), []);
});

test('what somebody else wrote into an own file is read, or refused by its line', async (t) => {
  const folder = await temporaryFolder(t);
  const { reader, writer } = openLedger(t, folder);
  await writer.append(answer('a1'), durable);
  await reader.refresh();
  const file = join(folder, (await readdir(folder))[0]!);
  await appendFile(file, `${JSON.stringify(answer('a2'))}\n`);
  assert.deepEqual(await idsOf(reader), ['a1', 'a2']);
  await writer.append(answer('a3'), durable);
  assert.deepEqual(await idsOf(reader), ['a1', 'a2', 'a3']);
  await appendFile(file, 'hello\n');
  await writer.append(answer('a4'), durable);
  await assert.rejects(reader.refresh(), (error: Error) => {
    assert.ok(error instanceof ForeignLedgerError);
    assert.ok(error.message.startsWith(`${file}: line 4: it is not JSON`), error.message);
    return true;
  });
});

test('what stands in an own file that a write failed on is read from it', async (t) => {
  const folder = await temporaryFolder(t);
  const { reader, writer } = openLedger(t, folder);
  await writer.append(answer('a1'), durable);
  await reader.refresh();
  const handle = await open(join(folder, 'any'), 'w');
  const prototype = Object.getPrototypeOf(handle) as { datasync: () => unknown };
  await handle.close();
  const sync = t.mock.method(prototype, 'datasync', () => {
    throw new Error('EIO: i/o error, fdatasync');
  });
  await assert.rejects(writer.append(answer('a2'), durable), /EIO/);
  sync.mock.restore();
  assert.deepEqual(await idsOf(reader), ['a1', 'a2']);
  await writer.saveUnsaved();
  assert.deepEqual(await idsOf(reader), ['a1', 'a2']);
  assert.equal((await readdir(folder)).filter((name) => name.endsWith('.jsonl')).length, 2);
});

test('a reader that looked before there was a ledger sees its first own record', async (t) => {
  const folder = join(await temporaryFolder(t), 'later');
  const { reader, writer } = openLedger(t, folder);
  await reader.refresh();
  await writer.append(start('s'), { durable: false });
  await writeFile(join(folder, 'notes.txt'), 'no ledger');
  assert.deepEqual(await idsOf(reader), ['s']);
});
