import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openReport, type OpenReport } from '../../../src/client/audit/open-report.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const request = (promptId: string, id: string) => ({ prompt_id: promptId, record_id: id });

/** A report on prompts `p0`, `p1`, … without a single answer. */
async function reportWith(
  t: Parameters<typeof temporaryFolder>[0],
  possiblyPaid: unknown[],
  prompts: number,
): Promise<OpenReport> {
  const file = join(await temporaryFolder(t), 'report.json');
  const summary = { timestamp: '2026-01-01T00:00:00.000Z', batch_id: 'b', state: 'succeeded' };
  const results = Array.from({ length: prompts }, (_, index) => ({
    prompt_id: `p${index}`,
    completions: [],
  }));
  await writeFile(file, JSON.stringify({ summary, possibly_paid: possiblyPaid, results }));
  const report = await openReport(file);
  t.after(() => report.close());
  return report;
}

const idsOf = (requests: { record_id: string }[]): string[] => requests.map(({ record_id }) => record_id);

async function othersOf(report: OpenReport): Promise<string[]> {
  const ids: string[] = [];
  for await (const { record_id } of report.possiblyPaidByOthers()) ids.push(record_id);
  return ids;
}

test('requests possibly paid come along with their prompts, and what nobody takes comes last', async (t) => {
  const list = [request('p1', 'a'), request('p1', 'b'), request('nobody', 'x'), request('p2', 'c')];
  const report = await reportWith(t, list, 3);
  const found: Record<string, string[]> = {};
  for (let result = await report.next(); result; result = await report.next())
    found[result.prompt_id] = idsOf(await report.possiblyPaidBy(result.prompt_id));
  assert.deepEqual(found, { p0: [], p1: ['a', 'b'], p2: ['c'] });
  assert.deepEqual(await othersOf(report), ['x']);
});

test('a list of many more requests than are looked at ahead is taken whole', async (t) => {
  const of = (prompt: number, count: number) =>
    Array.from({ length: count }, (_, at) => request(`p${prompt}`, `${prompt}-${at}`));
  const report = await reportWith(t, [...of(3, 2500), ...of(4, 1), ...of(9, 1500)], 10);
  const counts: number[] = [];
  for (let prompt = 0; prompt < 10; prompt++) counts.push((await report.possiblyPaidBy(`p${prompt}`)).length);
  assert.deepEqual(counts, [0, 0, 0, 2500, 1, 0, 0, 0, 0, 1500]);
  assert.deepEqual(await othersOf(report), []);
});

test('an entry that is no request is an error that names the report', async (t) => {
  const report = await reportWith(t, [{ record_id: 7 }], 1);
  await assert.rejects(report.possiblyPaidBy('p0'), {
    name: 'ReportError',
    message: /report\.json is not as durabatch/,
  });
});
