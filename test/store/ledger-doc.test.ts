/** The records and field names of docs/ledger.md are those of the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { toRecord } from '../../src/store/ledger/record-schema.ts';

const types = ['start', 'answer', 'fault', 'settled', 'reopened'];

const page = readFileSync(new URL('../../docs/ledger.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```json\n([^]*?)^```$/gm)].flatMap(([, block = '']) =>
  block
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>),
);
/** Names in the first column of the table of fields that all records have. */
const common = namesIn(/^\| `type` \|[^]*?^\| (`run`[^|]*)\|/m.exec(page)?.[0] ?? '', 0);

test('the page has an example of each type of record', () => {
  const found = new Set(examples.map(({ type }) => type as string));
  assert.deepEqual([...found].toSorted(), types.toSorted());
});

for (const [at, example] of examples.entries()) {
  test(`example ${at + 1}, of "${String(example['type'])}", is a ledger record as it stands`, () => {
    assert.deepEqual(toRecord(example), example);
  });
}

for (const type of types) {
  test(`the page has each field of the examples of "${type}"`, () => {
    const documented = new Set([...common, ...fieldsOf(type)]);
    const fields = examples.filter((example) => example['type'] === type).flatMap(Object.keys);
    assert.deepEqual(
      fields.filter((field) => !documented.has(field)),
      [],
    );
  });
}

/** Names in the rows of a type: its first row names it, the others have an empty cell there. */
function fieldsOf(type: string): string[] {
  const rows = page.slice(page.indexOf('| record | field | |')).split('\n');
  const first = rows.findIndex((row) => row.startsWith(`| \`${type}\` |`));
  const after = rows.findIndex((row, at) => at > first && !row.startsWith('| |'));
  return namesIn(rows.slice(first, after).join('\n'), 1);
}

function namesIn(rows: string, column: number): string[] {
  return rows
    .split('\n')
    .map((row) => row.split('|')[column + 1] ?? '')
    .flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
}
