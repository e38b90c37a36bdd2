import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { createWriteReport } from '../../../src/activities/write-report.ts';
import { type Audit, auditBatch } from '../../../src/client/audit/audit-batch.ts';
import { HistoryError } from '../../../src/client/audit/histories.ts';
import type { WorkflowRecords } from '../../../src/client/audit/workflow-receipts.ts';
import { auditText } from '../../../src/client/render/audit-text.ts';
import type { BatchOutcome } from '../../../src/core/outcome.ts';
import type { ReportRequest } from '../../../src/core/prompt-task.ts';
import type { BatchResults } from '../../../src/report/results-json.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { bundledTable } from '../../../src/prices/bundled-table.ts';
import { addUsage } from '../../../src/store/ledger/prompt-state.ts';
import { mockActivity } from '../../activities/support/prompt-desk.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';
import { answer, settled, start, usage } from '../../store/support/records.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { makeReportedBatch, type ReportedBatch, type ReportedWorkflow } from './support/reported-batch.ts';

const NO_SERVER = 'the Temporal server is not running';

const audited = ({ reopened }: ReportedBatch, workflow: ReportedWorkflow | string = NO_SERVER) =>
  auditBatch(reopened(), typeof workflow === 'string' ? workflow : recordsOf(workflow));

/** All of the batch's one shard. */
const recordsOf = ({ runs, receipts }: ReportedWorkflow): WorkflowRecords => ({
  runs,
  shards: 1,
  ofShard: async (shard) => ({
    receipts: new Map(shard === 0 ? receipts : []),
    completeRuns: new Set(runs.filter(({ outcome }) => outcome).map(({ run }) => run)),
    missing: 0,
  }),
});

const comparedIn = (audit: Audit): Record<string, number> =>
  Object.fromEntries(audit.checks.map(({ check, compared }) => [check, compared]));

test('a batch whose report and receipts tell what its ledger holds is equal', async (t) => {
  const batch = await makeReportedBatch(t);
  const audit = await audited(batch, batch.workflow);
  assert.deepEqual([audit.total, audit.differences, audit.notes], [0, [], []]);
  assert.equal(audit.reportFile, batch.resultsFile);
  const { ledger, results, answers, possiblyPaid, receipts } = comparedIn(audit);
  assert.deepEqual(
    { ledger, results, answers, possiblyPaid, receipts },
    {
      ledger: 4,
      results: 4,
      answers: 7,
      possiblyPaid: 1,
      receipts: 4,
    },
  );
  assert.match(auditText(audit), /\naudit: equal$/);
});

test('an audit changes nothing', async (t) => {
  const batch = await makeReportedBatch(t);
  const snapshot = async () => {
    const names = (await readdir(batch.store.location.outputDir, { recursive: true })).sort();
    return Promise.all(
      names.map(async (name) => {
        const file = join(batch.store.location.outputDir, name);
        return [name, (await stat(file)).isFile() ? await readFile(file, 'utf8') : null];
      }),
    );
  };
  const before = await snapshot();
  await audited(batch, batch.workflow);
  assert.deepEqual(await snapshot(), before);
});

const withChanged = (id: string, change: (record: LedgerRecord) => LedgerRecord) => (lines: string[]) =>
  lines.map((line) => {
    const record = JSON.parse(line) as LedgerRecord;
    return record.id === id ? JSON.stringify(change(record)) : line;
  });
const without = (id: string) => (lines: string[]) =>
  lines.filter((line) => (JSON.parse(line) as LedgerRecord).id !== id);
const withAlso = (record: LedgerRecord) => (lines: string[]) => [...lines, JSON.stringify(record)];

type Tampering = [
  title: string,
  change: (batch: ReportedBatch) => Promise<void>,
  message: RegExp,
  record: string,
];
const tamperings: Tampering[] = [
  [
    'a changed cost of an answer in the report',
    ({ changeReport }) => changeReport('"estimated_cost": 1.000000001,', '"estimated_cost": 1.000000002,'),
    /prompt plain: completions\[1\]\.estimated_cost: the report has 1\.000000002, the ledger says 1\.000000001/,
    'a2',
  ],
  [
    'a changed cost of a prompt in the report',
    ({ changeReport }) => changeReport('"estimated_cost": 1.000000008,', '"estimated_cost": 1,'),
    /prompt plain: estimated_cost: the report has 1, the ledger says 1\.000000008/,
    'a1',
  ],
  [
    'a changed text in the report',
    ({ changeReport }) => changeReport('"text": "second"', '"text": "2nd"'),
    /prompt plain: completions\[1\]\.text: the report has "2nd", the ledger says "second"/,
    'a2',
  ],
  [
    'a changed text in the ledger',
    ({ changeLedger }) =>
      changeLedger(
        withChanged(
          'a6',
          (record) =>
            ({
              ...record,
              choices: [{ sample: 1, text: 'other', finishReason: 'stop' }],
            }) as LedgerRecord,
        ),
      ),
    /prompt lost: completions\[0\]\.text: the report has "r", the ledger says "other"/,
    'a6',
  ],
  [
    'a changed cost in the ledger',
    ({ changeLedger }) =>
      changeLedger(withChanged('a4', (record) => ({ ...record, costNanoUsd: 12 }) as LedgerRecord)),
    /prompt twice: discarded_answers\[0\]\.estimated_cost/,
    'a4',
  ],
  [
    'a deleted answer',
    ({ changeLedger }) => changeLedger(without('a2')),
    /prompt plain: its end e1 names the answer a2, which is not in the ledger/,
    'a2',
  ],
  [
    'a deleted answer that was discarded',
    ({ changeLedger }) => changeLedger(without('a4')),
    /prompt twice: answer a4 is in the report, not in the ledger/,
    'a4',
  ],
  [
    'an added foreign answer',
    ({ changeLedger }) =>
      changeLedger(withAlso(answer('foreign', { index: 2, at: '2026-01-01T00:00:05.000Z' }))),
    /prompt lost: answer foreign is in the ledger, not in the report/,
    'foreign',
  ],
  [
    'a status changed in the report',
    ({ changeReport }) => changeReport('"status": "failed"', '"status": "succeeded"'),
    /prompt refused: status: the report has "succeeded", the ledger says "failed"/,
    'a7',
  ],
  [
    'a possibly paid request that the report leaves out',
    ({ changeLedger }) =>
      changeLedger(withAlso(start('s9', { index: 0, attempt: 3, at: '2026-01-01T00:00:00.500Z' }))),
    /prompt plain: request possibly paid s9 is in the ledger, not in the report/,
    's9',
  ],
  [
    'a worst case changed in the report',
    ({ changeReport }) =>
      changeReport('"worst_case_cost": 0.000005,\n      "why"', '"worst_case_cost": 0,\n      "why"'),
    /prompt lost: possibly_paid\[0\]\.worst_case_cost: the report has 0, the ledger says 0\.000005/,
    's5',
  ],
  [
    'a field of the prompt changed in the report',
    ({ changeReport }) => changeReport('"topic": "a"', '"topic": "b"'),
    /prompt plain: fields\.topic/,
    'a1',
  ],
];
for (const [title, change, message, record] of tamperings) {
  test(`finds ${title}, and names the record`, async (t) => {
    const batch = await makeReportedBatch(t);
    await change(batch);
    const audit = await audited(batch);
    assert.ok(audit.total > 0);
    const found = audit.differences.find((difference) => message.test(difference.message));
    assert.ok(found, JSON.stringify(audit.differences, null, 1));
    assert.ok(found.records.includes(record), JSON.stringify(found));
    assert.match(auditText(audit), new RegExp(`\\naudit: ${audit.total} differences?$`));
  });
}

const figures: [figure: string, from: string, to: string][] = [
  ['summary.successful_items', '"successful_items": 3', '"successful_items": 4'],
  ['summary.bill.paid_and_discarded', '"paid_and_discarded": 1.1e-8', '"paid_and_discarded": 0'],
  ['summary.bill.possibly_paid.requests', '"requests": 1', '"requests": 0'],
  ['summary.total_tokens', '"total_tokens": 90', '"total_tokens": 89'],
];
for (const [figure, from, to] of figures) {
  test(`finds ${figure} changed in the report`, async (t) => {
    const batch = await makeReportedBatch(t);
    await batch.changeReport(from, to);
    const { total, differences } = await audited(batch);
    assert.equal(total, 1);
    assert.ok(differences[0]!.message.startsWith(`${figure}: `), differences[0]!.message);
  });
}

test('finds totals changed in the manifest', async (t) => {
  const batch = await makeReportedBatch(t);
  await batch.store.updateManifest((manifest) => ({
    ...manifest,
    runs: manifest.runs.map((run) => ({
      ...run,
      outcome: { ...run.outcome!, paid: { ...run.outcome!.paid, costNanoUsd: 1 } },
    })),
  }));
  const { differences } = await audited(batch, batch.workflow);
  assert.deepEqual(
    differences.map(({ check, message }) => [check, /paid\.costNanoUsd/.test(message)]),
    [
      ['outcomes', true],
      ['totals', true],
    ],
  );
});

test('records written after the report are named as such, and spoil no other figure', async (t) => {
  const batch = await makeReportedBatch(t);
  const late = { index: 2, attempt: 3, at: '2026-01-01T00:02:00.000Z' };
  await batch.changeLedger(withAlso(start('s-late', late)));
  await batch.changeLedger(withAlso(answer('a-late', { ...late, start: 's-late' })));
  const audit = await audited(batch);
  assert.equal(audit.total, 1, JSON.stringify(audit.differences));
  const [{ message, records }] = audit.differences as [Audit['differences'][number]];
  assert.match(message, /prompt lost: .*2 records more, written after the report/);
  assert.deepEqual(records.toSorted(), ['a-late', 's-late']);
});

test('a late record hides no other difference', async (t) => {
  const batch = await makeReportedBatch(t);
  await batch.changeLedger(
    withAlso(answer('a-late', { index: 2, attempt: 3, at: '2026-01-01T00:02:00.000Z' })),
  );
  await batch.changeReport('"text": "r"', '"text": "s"');
  const { differences } = await audited(batch);
  assert.ok(differences.some(({ records }) => records.includes('a-late')));
  assert.ok(differences.every(({ message }) => !message.includes('written after the report')));
});

test('a damaged ledger is an error that names its file and line', async (t) => {
  const batch = await makeReportedBatch(t);
  await batch.changeLedger((lines) => ['not a record', ...lines]);
  await assert.rejects(audited(batch), { name: 'ForeignLedgerError', message: /line 1: it is not JSON/ });
});

const spoiltReports: [string, (text: string) => string, RegExp][] = [
  ['is cut off', (text) => text.slice(0, -40), /the report .* (ends in its middle|cannot be read)/],
  ['is no JSON', () => 'oops', /cannot be read/],
  ['is something else', () => '{"summary": 1, "results": []}', /not as durabatch writes it: summary/],
  [
    'lacks a result',
    (text) => `${text.slice(0, text.lastIndexOf(',\n    {\n      "prompt_id": "refused"'))}\n  ]\n}\n`,
    /has 3 results, the batch has 4 prompts/,
  ],
  [
    'has a result too many',
    (text) => text.replace(/,\n {4}\{\n {6}"prompt_id": "refused"[^]*?\n {4}\}/, (last) => last + last),
    /has 5 results, the batch has 4 prompts/,
  ],
];
for (const [title, spoil, message] of spoiltReports) {
  test(`a report that ${title} is a difference`, async (t) => {
    const batch = await makeReportedBatch(t);
    await writeFile(batch.resultsFile, spoil(await readFile(batch.resultsFile, 'utf8')));
    const { differences } = await audited(batch);
    assert.ok(
      differences.some((each) => message.test(each.message)),
      JSON.stringify(differences),
    );
  });
}

test('a report that is gone is a difference; one that was moved along with its batch is found', async (t) => {
  const batch = await makeReportedBatch(t);
  const elsewhere = join(batch.store.location.outputDir, 'elsewhere');
  await mkdir(elsewhere);
  await batch.store.updateManifest((manifest) => ({
    ...manifest,
    runs: manifest.runs.map((run) => ({
      ...run,
      outcome: { ...run.outcome!, resultsFile: `C:\\old place\\${basename(batch.resultsFile)}` },
    })),
  }));
  assert.equal((await audited(batch)).total, 0);
  await rename(batch.resultsFile, join(elsewhere, 'moved.json'));
  assert.match((await audited(batch)).differences[0]!.message, /ENOENT/);
});

const trap = process.platform === 'win32' && 'needs a FIFO';
test(
  'of what a manifest calls its report, only a file in the output folder is opened',
  { skip: trap },
  async (t) => {
    const batch = await makeReportedBatch(t);
    const { outputDir } = batch.store.location;
    const elsewhere = await temporaryFolder(t);
    await writeFile(join(elsewhere, 'private.json'), '{"secret": 1}');
    execFileSync('mkfifo', [join(outputDir, 'fifo.json')]);
    await symlink(join(elsewhere, 'private.json'), join(outputDir, 'link.json'));
    const named = async (resultsFile: string): Promise<string> => {
      await batch.store.updateManifest((manifest) => ({
        ...manifest,
        runs: manifest.runs.map((run) => ({ ...run, outcome: { ...run.outcome!, resultsFile } })),
      }));
      return (await audited(batch)).differences[0]!.message;
    };
    assert.match(await named(join(elsewhere, 'private.json')), /ENOENT/);
    assert.match(await named('/dev/zero'), /ENOENT/);
    assert.match(await named(`${outputDir}/../..`), /EISDIR/);
    assert.match(await named(join(outputDir, 'fifo.json')), /is a FIFO, where a file was expected/);
    assert.match(await named(join(outputDir, 'link.json')), /is a link, where a file was expected/);
  },
);

test('without a report and a server the ledger is still looked at, and the notes say what is missing', async (t) => {
  const batch = await makeReportedBatch(t);
  await rm(batch.resultsFile);
  await batch.store.updateManifest((manifest) => ({
    ...manifest,
    runs: manifest.runs.map(({ run, started_at, limits }) => ({ run, started_at, limits })),
  }));
  const audit = await audited(batch);
  assert.deepEqual([audit.total, audit.reportFile], [0, null]);
  assert.match(
    audit.notes.join('\n'),
    /no report yet[^]*receipts are not compared: the Temporal server is not running/,
  );
  await batch.changeLedger(without('a6'));
  assert.equal((await audited(batch)).differences[0]!.check, 'ledger');
});

test('a batch whose failed prompt was tried again is equal by its newest report', async (t) => {
  const batch = await makeReportedBatch(t);
  const { store, workflow } = batch;
  const again = { index: 3, run: 2, at: '2026-01-01T00:02:00.000Z' };
  const { writer } = await store.openShard(0);
  const choices = [{ sample: 2, text: 'other half', finishReason: 'stop' }];
  for (const record of [
    { ...again, type: 'reopened', id: 'r1', turn: 0, attempt: 0 } as const,
    start('s9', { ...again, samples: [2] }),
    answer('a9', { ...again, start: 's9', choices }),
    settled('e9', { ...again, answers: ['a7', 'a9'] }),
  ])
    await writer.append(record, { durable: true });
  assert.match(
    (await audited(batch)).differences[0]!.message,
    /prompt refused: .*4 records more, written after/,
  );

  await store.updateManifest((manifest) => ({
    ...manifest,
    runs: [...manifest.runs, { run: 2, started_at: again.at, limits: manifest.limits }],
  }));
  const request: ReportRequest = {
    batchId: store.batchId,
    run: 2,
    state: 'succeeded',
    endedAt: '2026-01-01T00:03:00.000Z',
  };
  const outcome = (await mockActivity().run(createWriteReport({ store }), request)) as BatchOutcome;
  assert.deepEqual([outcome.failuresFile, outcome.counts.failed], [null, 0]);
  const paid = { usage: addUsage(usage, usage), costNanoUsd: 14 };
  const receipts = workflow.receipts.get(3)!;
  receipts.push({ ...receipts[0]!, run: 2, status: 'succeeded', answers: ['a7', 'a9'], paid });
  workflow.runs.push({ run: 2, outcome, whole: true });
  const audit = await audited(batch, workflow);
  assert.deepEqual([audit.differences, audit.notes, audit.reportFile], [[], [], outcome.resultsFile]);
});

test('what the server does not have (any more) or does not tell is a note, not a difference', async (t) => {
  const batch = await makeReportedBatch(t);
  const whole = recordsOf(batch.workflow);
  const notesOf = async (records: Partial<WorkflowRecords>): Promise<string> => {
    const { total, notes } = await auditBatch(batch.reopened(), { ...whole, ...records });
    assert.equal(total, 0);
    return notes.join('\n');
  };
  const missing = async () => ({ receipts: new Map(), completeRuns: new Set<number>(), missing: 2 });
  assert.match(
    await notesOf({ ofShard: missing }),
    /^The receipts of 2 shard workflows are not compared: the Temporal server does not have them/,
  );
  const silent = () => Promise.reject(new HistoryError('UNAVAILABLE'));
  assert.match(await notesOf({ ofShard: silent }), /from shard 1 on: .* does not tell: UNAVAILABLE/);
  const broken = batch.workflow.runs.map((run) => ({ ...run, whole: false }));
  assert.match(await notesOf({ runs: broken }), /^Some of the workflow's receipts of run 1 are not compared/);
});

test('a receipt for a prompt that the batch does not have is a difference', async (t) => {
  const batch = await makeReportedBatch(t);
  const whole = recordsOf(batch.workflow);
  const stranger = [{ ...batch.workflow.receipts.get(0)![0]! }];
  for (const [shard, index] of [
    [0, 4],
    [3, 1700],
  ] as const) {
    const ofShard: WorkflowRecords['ofShard'] = async (asked) => {
      const found = await whole.ofShard(asked);
      if (asked === shard) found.receipts.set(index, stranger);
      return found;
    };
    const { differences } = await auditBatch(batch.reopened(), { ...whole, shards: shard + 1, ofShard });
    assert.deepEqual(
      differences.map(({ check, message }) => [check, message]),
      [['receipts', `the workflow has a receipt for prompt ${index + 1}, which its shard does not have`]],
    );
  }
});

test('a report of 0.1.0, which has no texts of discarded answers, is compared by what it has', async (t) => {
  const batch = await makeReportedBatch(t);
  const { resultsFile, workflow, changeReport } = batch;
  const text = await readFile(resultsFile, 'utf8');
  const report = JSON.parse(text) as BatchResults;
  const asBefore = report.results.map(({ discarded_answers: discarded, ...result }) => ({
    ...result,
    ...(discarded && {
      discarded_answers: discarded.map(
        ({ record_id, samples, time, model, usage: paid, estimated_cost }) => ({
          ...{ record_id, samples, time, model, usage: paid, estimated_cost },
        }),
      ),
    }),
  }));
  await writeFile(resultsFile, JSON.stringify({ ...report, results: asBefore }, null, 2));
  const { total, differences } = await audited(batch, workflow);
  assert.deepEqual([total, differences], [0, []]);
  await changeReport('"record_id": "a4"', '"record_id": "a9"');
  assert.notEqual((await audited(batch, workflow)).total, 0);
});

for (const [what, date] of [
  ['no date of its price table', ''],
  ['the price table of another version', '"table_date": "2026-01-01",'],
] as const) {
  test(`a report with ${what} is equal where the run names no table`, async (t) => {
    const batch = await makeReportedBatch(t);
    await batch.changeReport(`"table_date": "${bundledTable.date}",`, date);
    const source = date === '' ? manifestOf(4).versions.prices : 'another';
    for (let time = 0; time < 2; time++)
      await batch.changeReport(JSON.stringify(bundledTable.source), JSON.stringify(source));
    const { total, differences } = await audited(batch, batch.workflow);
    assert.deepEqual([total, differences], [0, []]);
  });
}

test('a text changed in a discarded answer of the report is named', async (t) => {
  const batch = await makeReportedBatch(t);
  const { workflow, changeReport } = batch;
  await changeReport('"text": "text of a4"', '"text": "made up"');
  const { differences } = await audited(batch, workflow);
  assert.match(differences[0]!.message, /prompt twice: discarded_answers\[0\]\.choices\[0\]\.text/);
  assert.deepEqual(differences[0]!.records, ['a4']);
});
