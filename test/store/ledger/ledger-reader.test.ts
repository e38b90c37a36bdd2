import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ForeignLedgerError, LedgerReader } from '../../../src/store/ledger/ledger-reader.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { answer, byId, contentOf, fault, settled, start, usage } from '../support/records.ts';

const LAST = 9;
const FILES = ['a.jsonl', 'b.jsonl', 'c.jsonl'];

// Whatever a text may hold that could be taken for the end of a line, of a character or of a record.
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('\r', '\n', '\r\n', '\u2028', '\u2029', '\u0085', '\0', '😀', '"}\n{"', '\ud83d', ''),
);
const recordOf = (id: string): fc.Arbitrary<LedgerRecord> =>
  fc
    .record({
      index: fc.nat({ max: LAST }),
      run: fc.integer({ min: 1, max: 3 }),
      turn: fc.integer({ min: 1, max: 2 }),
      attempt: fc.integer({ min: 1, max: 3 }),
      message: text,
      make: fc.constantFrom('start', 'answer', 'fault', 'settled'),
    })
    .map(({ message, make, ...at }) => {
      if (make === 'start') return start(id, { ...at, worker: message });
      if (make === 'fault') return fault(id, { ...at, message });
      if (make === 'settled') return settled(id, { ...at, answers: [message] });
      return answer(id, { ...at, choices: [{ sample: 1, text: message, finishReason: message }] });
    });

/** Records over several files, some of them twice, in one file or in two. */
const ledgers = fc
  .array(
    fc.record({
      files: fc.array(fc.nat({ max: FILES.length - 1 }), { minLength: 1, maxLength: 3 }),
      seed: fc.nat(),
    }),
    { maxLength: 12 },
  )
  .chain((places) =>
    fc.tuple(fc.constant(places), ...places.map((_, i) => recordOf(`r${String(i).padStart(3, '0')}`))),
  )
  .map(([places, ...records]) => {
    const lines: { file: number; record: LedgerRecord }[] = [];
    places.forEach(({ files }, i) => {
      for (const file of files) lines.push({ file, record: records[i]! });
    });
    return { records, lines };
  });

const bytesOf = (record: LedgerRecord): Buffer => Buffer.from(`${JSON.stringify(record)}\n`);

test('reads exactly the undamaged records, whatever the last line of each file lost', async (t) => {
  const parent = await temporaryFolder(t);
  const tail = fc.record({
    record: recordOf('torn'),
    keep: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    nuls: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5000 })),
  });
  await fc.assert(
    fc.asyncProperty(
      ledgers,
      fc.array(fc.option(tail), { maxLength: 3 }),
      async ({ records, lines }, tails) => {
        const folder = await mkdtemp(join(parent, 'ledger-'));
        for (const [file, name] of FILES.entries()) {
          const whole = lines.filter((line) => line.file === file).map(({ record }) => bytesOf(record));
          const torn = tails[file];
          if (torn) {
            const bytes = bytesOf(torn.record).subarray(0, -1);
            // With NULs behind it even a record that is otherwise whole is damaged.
            const length = torn.nuls > 0 ? bytes.length : Math.floor(torn.keep * bytes.length);
            whole.push(Buffer.concat([bytes.subarray(0, length), Buffer.alloc(torn.nuls)]));
          }
          if (whole.length > 0) await writeFile(join(folder, name), Buffer.concat(whole));
        }
        const reader = new LedgerReader(folder, 0, LAST);
        await reader.refresh();
        assert.deepEqual(await contentOf(reader, LAST), byId(records));
      },
    ),
    { numRuns: 60 },
  );
});

test('every byte a last line can be torn at, also within a character', async (t) => {
  const folder = await temporaryFolder(t);
  const whole = bytesOf(answer('whole'));
  const torn = bytesOf(answer('torn', { choices: [{ sample: 1, text: 'é😀\u2028', finishReason: 'stop' }] }));
  for (let length = 0; length <= torn.length; length++) {
    const file = join(folder, 'a.jsonl');
    await writeFile(file, Buffer.concat([whole, torn.subarray(0, length)]));
    const reader = new LedgerReader(folder, 0, LAST);
    await reader.refresh();
    const ids = (await contentOf(reader, LAST)).map(({ id }) => id);
    // Without its line feed alone it is whole.
    assert.deepEqual(
      ids,
      length >= torn.length - 1 ? ['torn', 'whole'] : ['whole'],
      `torn after ${length} bytes`,
    );
  }
});

test('what is read in any increments is what is read at once', async (t) => {
  const parent = await temporaryFolder(t);
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(ledgers, fc.tuple(cuts, cuts, cuts), async ({ records, lines }, cutsOf) => {
      const folder = await mkdtemp(join(parent, 'ledger-'));
      const reader = new LedgerReader(folder, 0, LAST);
      const files = FILES.map((name, file) => {
        const bytes = Buffer.concat(
          lines.filter((line) => line.file === file).map(({ record }) => bytesOf(record)),
        );
        const ends = cutsOf[file]!.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b);
        return { name, bytes, ends: [...ends, bytes.length], written: 0 };
      });
      for (let step = 0; files.some(({ ends }) => step < ends.length); step++) {
        for (const file of files) {
          const end = file.ends[step];
          if (end === undefined) continue;
          await appendFile(join(folder, file.name), file.bytes.subarray(file.written, end));
          file.written = end;
        }
        await reader.refresh();
        const written = lines
          .filter(({ file }, i) => {
            const before = lines.slice(0, i + 1).filter((line) => line.file === file);
            const size = before.reduce((sum, { record }) => sum + bytesOf(record).length, 0);
            return size - 1 <= files[file]!.written;
          })
          .map(({ record }) => record);
        assert.deepEqual(await contentOf(reader, LAST), byId([...new Set(written)]));
      }
      assert.deepEqual(await contentOf(reader, LAST), byId(records));
    }),
    { numRuns: 60 },
  );
});

const foreign: { title: string; line: string; why: RegExp }[] = [
  { title: 'no JSON', line: 'hello', why: /it is not JSON\. Nothing/ },
  { title: 'a torn line in the middle', line: '{"type":"start","id":"x', why: /it is not JSON/ },
  { title: 'NULs in the middle', line: '\0\0\0', why: /it is not JSON/ },
  { title: 'JSON but no record', line: '{"a":1}', why: /it is not a ledger record\. Nothing/ },
  { title: 'a scalar', line: '12', why: /it is not a ledger record/ },
  {
    title: 'a record without its id',
    line: '{"type":"settled","index":1}',
    why: /it is not a ledger record/,
  },
  {
    title: 'an answer without its cost',
    line: JSON.stringify({ ...answer('a'), costNanoUsd: undefined }),
    why: /it is not a ledger record/,
  },
  {
    title: 'an answer with half of its usage',
    line: JSON.stringify({ ...answer('a'), usage: { completion: 5, total: 9 } }),
    why: /it is not a ledger record/,
  },
  {
    title: 'a record of another shard',
    line: JSON.stringify(start('s', { index: LAST + 1 })),
    why: /prompt 10 is not in this shard \(0 to 9\)/,
  },
];

/** Values that no version has written: they would falsify a bill, or end up as NaN in one. */
const absurd: [record: LedgerRecord, field: string, values: unknown[]][] = [
  [start('s'), 'worstCostNanoUsd', [-1, 0.5, 1e300, '7']],
  [start('s'), 'raise', [0, -1, 'x', null]],
  [start('s'), 'requestTimeoutMs', [-1, 'x', null, 1e300]],
  [start('s'), 'samples', [[0], [1e9], 'x', [null]]],
  [start('s'), 'at', ['yesterday', 7, null]],
  [start('s'), 'run', [-1, 1e300]],
  [start('s'), 'attempt', [-1, '1']],
  [answer('a'), 'costNanoUsd', [-5_000_000_000, 0.5, 2 ** 53, '7', {}]],
  [answer('a'), 'cacheSavingNanoUsd', ['7', 0.5, -(2 ** 53), []]],
  [
    answer('a'),
    'usage',
    [{ ...usage, prompt: -1 }, { ...usage, total: 1e300 }, { ...usage, cached: '2' }, 7],
  ],
  [answer('a'), 'doubtfulUsage', [{}, null, 7]],
  [answer('a'), 'price', ['x', {}, { inputPerMillion: -1, source: 'table' }, { source: 'elsewhere' }]],
  [
    answer('a'),
    'price',
    [
      { source: 'table', tier: {} },
      { outputPerMillion: 'x', source: 'table' },
    ],
  ],
  [answer('a'), 'latencyMs', [-1, 'x', {}, null]],
  [answer('a'), 'model', [7, {}, null]],
  [answer('a'), 'requestId', [7, {}]],
  [answer('a'), 'choices', [[{ sample: 1e15, text: 'x', finishReason: 'stop' }], 'x']],
  [answer('a'), 'choices', [[{ sample: 1, text: 'x', finishReason: 'stop', reasoning: {} }]]],
  [answer('a'), 'reused', [true, {}, { batchId: {}, answer: 'a', usage: null, costNanoUsd: 0 }]],
  [answer('a'), 'reused', [{ batchId: 'b', answer: 'a', usage: null, costNanoUsd: -1 }]],
  [answer('a'), 'reused', [{ batchId: 'b', answer: 'a', usage: null, costNanoUsd: 0, at: 'x' }]],
  [fault('f'), 'status', ['500', {}]],
  [fault('f'), 'retryDelayMs', ['x', -1]],
  [fault('f'), 'possiblyPaid', ['no', 0]],
  [fault('f'), 'failure', [7, null]],
  [settled('e'), 'error', ['x', {}, { type: 'x', message: {}, attempts: 1 }]],
  [settled('e'), 'error', [{ type: 'x', message: 'x', attempts: '1' }]],
];
for (const [record, field, values] of absurd) {
  for (const value of values) {
    foreign.push({
      title: `${record.type} with ${field} = ${JSON.stringify(value)}`,
      line: JSON.stringify({ ...record, [field]: value }),
      why: /it is not a ledger record/,
    });
  }
}
for (const { title, line, why } of foreign) {
  test(`refuses ${title}, naming file and line, and goes on once it is taken out`, async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, 'b.jsonl');
    await writeFile(join(folder, 'a.jsonl'), bytesOf(answer('a')));
    await writeFile(join(folder, 'c.jsonl'), bytesOf(answer('c')));
    const good = [start('b1'), answer('b2')];
    const more = [answer('b3'), fault('b4')];
    const linesOf = (records: LedgerRecord[]): string =>
      records.map((record) => String(bytesOf(record))).join('');
    const reader = new LedgerReader(folder, 0, LAST);
    await writeFile(path, linesOf([good[0]!]));
    await reader.refresh();

    await writeFile(path, `${linesOf(good)}${line}\n${linesOf(more)}`);
    for (let again = 0; again < 2; again++) {
      await assert.rejects(reader.refresh(), (error: Error) => {
        assert.ok(error instanceof ForeignLedgerError);
        assert.ok(error.message.startsWith(`${path}: line 3: `), error.message);
        assert.match(error.message, why);
        return true;
      });
    }
    await assert.rejects(new LedgerReader(folder, 0, LAST).refresh(), ForeignLedgerError);

    // As an editor leaves it that writes its own line ends.
    await writeFile(path, linesOf([...good, ...more]).replaceAll('\n', '\r\n'));
    await reader.refresh();
    const all = byId([answer('a'), answer('c'), ...good, ...more]);
    assert.deepEqual(await contentOf(reader, LAST), all);
    await appendFile(path, bytesOf(answer('b5')));
    await reader.refresh();
    assert.deepEqual(await contentOf(reader, LAST), byId([...all, answer('b5')]));
  });
}

test('what an older version left out of its records is filled in', async (t) => {
  const folder = await temporaryFolder(t);
  const { cacheSavingNanoUsd: _1, price: _2, latencyMs: _3, model: _4, requestId: _5, ...old } = answer('a');
  const { status: _6, requestId: _7, retryDelayMs: _8, possiblyPaid: _9, ...oldFault } = fault('f');
  await writeFile(join(folder, 'a.jsonl'), `${JSON.stringify(old)}\n${JSON.stringify(oldFault)}\n`);
  const reader = new LedgerReader(folder, 0, LAST);
  await reader.refresh();
  assert.deepEqual(await contentOf(reader, LAST), [
    { ...old, cacheSavingNanoUsd: null, price: null, latencyMs: 0, model: '', requestId: null },
    { ...oldFault, status: null, requestId: null, retryDelayMs: null, possiblyPaid: true },
  ]);
});

test('a refused file that is moved away counts no longer, its answers included', async (t) => {
  const folder = await temporaryFolder(t);
  const reader = new LedgerReader(folder, 0, LAST);
  await writeFile(join(folder, 'a.jsonl'), bytesOf(answer('kept')));
  await writeFile(join(folder, 'b.jsonl'), bytesOf(answer('gone')));
  await reader.refresh();
  await appendFile(join(folder, 'b.jsonl'), 'hello\nhello\n');
  await assert.rejects(reader.refresh(), ForeignLedgerError);
  await rename(join(folder, 'b.jsonl'), join(folder, 'b.away'));
  await reader.refresh();
  assert.deepEqual(await contentOf(reader, LAST), [answer('kept')]);
});

test('a file that went into another one is read there', async (t) => {
  const folder = await temporaryFolder(t);
  const reader = new LedgerReader(folder, 0, LAST);
  const records = [answer('a1'), answer('a2'), start('s')];
  await writeFile(join(folder, 'a.jsonl'), Buffer.concat(records.slice(0, 2).map(bytesOf)));
  await writeFile(join(folder, 'b.jsonl'), Buffer.concat(records.slice(2).map(bytesOf)));
  await reader.refresh();
  await writeFile(join(folder, 'sealed.jsonl'), Buffer.concat(records.toReversed().map(bytesOf)));
  await reader.refresh();
  await rm(join(folder, 'a.jsonl'));
  await rm(join(folder, 'b.jsonl'));
  await reader.refresh();
  assert.deepEqual(await contentOf(reader, LAST), byId(records));
});

test('a file that was cut is read anew', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'a.jsonl');
  await writeFile(file, Buffer.concat([answer('a1'), answer('a2')].map(bytesOf)));
  const reader = new LedgerReader(folder, 0, LAST);
  await reader.refresh();
  await writeFile(file, bytesOf(answer('a1')));
  await reader.refresh();
  assert.deepEqual(await contentOf(reader, LAST), [answer('a1')]);
});

test('a history is in order of run, turn, attempt and time, whichever file was read first', async (t) => {
  const folder = await temporaryFolder(t);
  const later = { run: 2, at: '2025-12-31T00:00:00.000Z' };
  await writeFile(join(folder, 'a.jsonl'), bytesOf(start('third', later)));
  await writeFile(join(folder, 'b.jsonl'), bytesOf(start('first')));
  await writeFile(join(folder, 'c.jsonl'), bytesOf(start('second', { attempt: 2 })));
  const reader = new LedgerReader(folder, 0, LAST);
  await reader.refresh();
  assert.deepEqual(
    reader.history(0).starts.map(({ id }) => id),
    ['first', 'second', 'third'],
  );
});

test('a refresh asked for while one is under way takes in what came in between', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'a.jsonl');
  const reader = new LedgerReader(folder, 0, LAST);
  const seen: Promise<void>[] = [];
  for (let i = 0; i < 20; i++) {
    await appendFile(file, bytesOf(start(`s${i}`)));
    seen.push(
      (async () => {
        await reader.refresh();
        const { starts } = reader.history(0);
        assert.ok(
          starts.some(({ id }) => id === `s${i}`),
          `s${i} was not read`,
        );
      })(),
    );
  }
  await Promise.all(seen);
  assert.equal(reader.history(0).starts.length, 20);
});

test('a shard nobody wrote to is empty, and other files in its folder are left alone', async (t) => {
  const folder = await temporaryFolder(t);
  const reader = new LedgerReader(join(folder, 'missing'), 0, LAST);
  await reader.refresh();
  assert.deepEqual(await contentOf(reader, LAST), []);
  await writeFile(join(folder, 'notes.txt'), 'not a ledger');
  const other = new LedgerReader(folder, 0, LAST);
  await other.refresh();
  assert.deepEqual(await contentOf(other, LAST), []);
});

test('an answer longer than a read is whole, and its text is only read when asked for', async (t) => {
  const folder = await temporaryFolder(t);
  const long = answer('long', { choices: [{ sample: 1, text: 'é'.repeat(3 << 20), finishReason: 'stop' }] });
  await writeFile(join(folder, 'a.jsonl'), Buffer.concat([start('s'), long, answer('a')].map(bytesOf)));
  const reader = new LedgerReader(folder, 0, LAST);
  await reader.refresh();
  const [first] = reader.history(0).answers.filter(({ id }) => id === 'long');
  assert.deepEqual(first!.choices, [{ sample: 1, finishReason: 'stop', blank: false }]);
  assert.ok(JSON.stringify(first).length < 1000);
  assert.deepEqual(await reader.read(first!), long);
  assert.equal((await readFile(join(folder, 'a.jsonl'))).length > 6 << 20, true);
});
