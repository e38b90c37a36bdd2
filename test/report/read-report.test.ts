import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readReport, type ReportPart } from '../../src/report/read-report.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function partsOf(file: string): Promise<ReportPart[]> {
  const parts: ReportPart[] = [];
  for await (const part of readReport(file)) parts.push(part);
  return parts;
}

test('gives the fields whole, and the long lists entry by entry', async (t) => {
  const file = join(await temporaryFolder(t), 'report.json');
  await writeFile(
    file,
    '{"summary": {"a": [1]}, "possibly_paid": [], "results": [{"b": 2}, {"b": 3}], "last": "x"}\n',
  );
  assert.deepEqual(await partsOf(file), [
    { field: 'summary', value: { a: [1] } },
    { field: 'results', value: { b: 2 } },
    { field: 'results', value: { b: 3 } },
    { field: 'last', value: 'x' },
  ]);
});

test('gives every value as JSON.parse does', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'report.json');
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.array(fc.jsonValue()), async (summary, results) => {
      const text = JSON.stringify({ summary, results }, null, 2);
      await writeFile(file, text);
      const parsed = JSON.parse(text) as { summary: unknown; results: unknown[] };
      const expected = [parsed.summary, ...parsed.results];
      const found = (await partsOf(file)).map(({ value }) => value);
      assert.deepEqual(found.map(asText), expected.map(asText));
    }),
    { numRuns: 200 },
  );
});

const asText = (value: unknown): string => JSON.stringify(value);

const broken: [string, string][] = [
  ['no object', '[]'],
  ['no JSON', '{"summary": oops}'],
  ['cut off', '{"summary": {}, "results": [{"a": 1}'],
  ['empty', ''],
];
for (const [title, text] of broken) {
  test(`a file that is ${title} is an error that names it`, async (t) => {
    const file = join(await temporaryFolder(t), 'report.json');
    await writeFile(file, text);
    await assert.rejects(
      partsOf(file),
      (error: Error) => error.name === 'ReportError' && error.message.includes(file),
    );
  });
}
