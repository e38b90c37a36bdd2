/** What the worker that comes next notes of the time in which a run had no worker. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { noteIdleTime, withIdle } from '../../../src/store/manifest/idle-notes.ts';
import type { IdleSpan, ManifestRun } from '../../../src/store/manifest/manifest.ts';
import { LAPSE_MS } from '../../../src/core/lapse.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';
import { makeBatch } from '../support/batches.ts';
import { putInTheWay } from '../support/put-in-the-way.ts';
import { answer } from '../support/records.ts';
import { cancelledOutcome } from '../../report/support/report-fixtures.ts';
import { far, gone, own, type RecordFacts, writeRecords } from '../support/worker-records.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString();
/** The moment at which a worker comes. */
const now = new Date(at(60));
const ago = (minute: number): number => (60 - minute) * 60_000;
const begun: ManifestRun = { run: 1, started_at: at(0), limits: manifestOf(1).limits };
const items = [{ prompt_id: 'a', prompt: 'x' }];
const fail = (line: string): never => assert.fail(line);

interface Case {
  title: string;
  records?: RecordFacts[];
  /** Minute of the newest ledger record. */
  answered?: number;
  idle?: IdleSpan[];
  /** Minute since when there was no worker; `null`: nothing is noted. */
  since: number | null;
}
const cases: Case[] = [
  { title: 'no worker has come yet', since: 0 },
  { title: 'one has left', records: [{ worker: own, left: true, ageMs: ago(20) }], since: 20 },
  {
    title: 'one has left after it wrote its last record',
    records: [{ worker: far, left: true, ageMs: ago(20) }],
    answered: 15,
    since: 20,
  },
  { title: 'one was killed', records: [{ worker: gone, ageMs: ago(20) }], since: 20 },
  {
    title: 'one was killed that has written since its last sign of life',
    records: [{ worker: gone, ageMs: ago(20) }],
    answered: 21,
    since: 21,
  },
  {
    title: 'one was killed a moment ago',
    records: [{ worker: gone, ageMs: 1000 }],
    answered: 30,
    since: 60 - 1 / 60,
  },
  { title: 'the records are gone', answered: 30, since: 30 },
  {
    title: 'the last of two has left',
    records: [
      { worker: gone, ageMs: ago(10) },
      { worker: far, left: true, ageMs: ago(40) },
    ],
    since: 40,
  },
  {
    title: 'the last of two was killed',
    records: [
      { worker: far, left: true, ageMs: ago(10) },
      { worker: gone, ageMs: ago(40) },
    ],
    since: 40,
  },
  {
    title: 'one of another machine has been silent for the lapse',
    records: [{ worker: far, ageMs: LAPSE_MS + 30_000 }],
    since: 59,
  },
  {
    title: 'one left before the run began',
    records: [{ worker: own, left: true, ageMs: ago(-5) }],
    since: 0,
  },
  {
    title: 'another one has come and gone without a trace',
    idle: [{ since: at(0), until: at(50) }],
    since: 50,
  },
  { title: 'another one may be at work', records: [{ worker: far }], since: null },
  {
    title: 'one was killed, and another one may be at work',
    records: [{ worker: gone, ageMs: ago(20) }, { worker: own }],
    since: null,
  },
  { title: 'another one has just noted it', idle: [{ since: at(0), until: at(60) }], since: null },
  {
    title: 'one has left by a clock that ran ahead',
    records: [{ worker: own, left: true, ageMs: ago(70) }],
    since: null,
  },
];
for (const { title, records = [], answered, idle, since } of cases)
  test(`${since === null ? 'nothing is noted' : 'time without a worker is noted'}: ${title}`, async (t) => {
    const run = { ...begun, ...(idle && { idle }) };
    const store = await makeBatch(t, items, { runs: [run] });
    await writeRecords(store.folder, records, now.getTime());
    if (answered !== undefined) {
      const { writer } = await store.openShard(0);
      await writer.append(answer('a', { at: at(answered) }), { durable: true });
    }
    await noteIdleTime(store, fail, now);
    const added = since === null ? [] : [{ since: at(since), until: at(60) }];
    const all = [...(idle ?? []), ...added];
    const expected = all.length === 0 ? begun : { ...begun, idle: all };
    assert.deepEqual((await store.readManifest()).runs, [expected]);
  });

test('nothing is noted of a run that is over, and of a batch without runs', async (t) => {
  const outcome = cancelledOutcome;
  for (const runs of [[], [{ ...begun, ended_at: at(10), outcome }]]) {
    const store = await makeBatch(t, items, { runs });
    await noteIdleTime(store, fail, now);
    assert.deepEqual((await store.readManifest()).runs, runs);
  }
});

test('a note that cannot be written is told, and keeps no worker from its work', async (t) => {
  const store = await makeBatch(t, items, { runs: [begun] });
  await putInTheWay(join(store.folder, 'revisions'));
  const lines: string[] = [];
  await noteIdleTime(store, (line) => lines.push(line), now);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^Could not record how long the batch had no worker: /);
});

test('of two workers that come at once the note of the first stays, and that of a frozen one changes no other run', () => {
  const [first, second] = [begun, { ...begun, run: 2, started_at: at(90) }];
  const manifest = manifestOf(1, { runs: [first, second] });
  const noted = withIdle(manifest, 1, { since: at(10), until: at(20) });
  assert.deepEqual(noted.runs, [{ ...first, idle: [{ since: at(10), until: at(20) }] }, second]);
  assert.equal(withIdle(noted, 1, { since: at(10), until: at(25) }), noted);
  assert.equal(withIdle(noted, 3, { since: at(10), until: at(25) }), noted);
});
