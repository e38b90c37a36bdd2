import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { countLongCells, csvHead, csvRow } from '../../src/report/results-csv.ts';
import { toTextCell } from '../../src/report/text-cell.ts';
import { completionOf, failedOutcome, outcomeOf, usageOf } from './support/report-fixtures.ts';

const shape = { completions: 2, simulated: false };

const parseCsv = (text: string): string[][] => parse(text, { bom: true });

/** A lone surrogate has no UTF-8; the JSON keeps it. */
const throughUtf8 = (text: string): string => Buffer.from(text).toString();

test('names the columns after a byte order mark, with CRLF', () => {
  assert.equal(
    csvHead({ completions: 3, simulated: false }),
    '\uFEFFprompt_id,status,prompt,completion_1,completion_2,completion_3,tokens,cost,error\r\n',
  );
});

test('adds a last column to a simulated batch only', () => {
  const simulated = { completions: 1, simulated: true };
  assert.match(csvHead(simulated), /,error,simulated\r\n$/);
  assert.match(csvRow(outcomeOf('a'), simulated), /,true\r\n$/);
});

test('writes a row', () => {
  assert.equal(csvRow(outcomeOf('a'), shape), 'a,succeeded,Question a?,One a,Two a,30,0.001234567,\r\n');
});

test('puts an answer into the column of its sample and leaves a missing one empty', () => {
  const outcome = outcomeOf('a', { completions: [completionOf(2, 'Second')] });
  assert.deepEqual(parseCsv(csvRow(outcome, shape))[0]?.slice(3, 5), ['', 'Second']);
});

test('gives the error as type and message', () => {
  assert.equal(parseCsv(csvRow(failedOutcome('a'), shape))[0]?.at(-1), 'Completion.Rejected: content policy');
});

test('writes the smallest cost without an exponent and an unknown one as nothing', () => {
  const costCell = (costNanoUsd: number | null): string | undefined => {
    const paid = { usage: usageOf(1, 1), costNanoUsd };
    return parseCsv(csvRow(outcomeOf('a', { paid }), shape))[0]?.[6];
  };
  assert.deepEqual([costCell(1), costCell(0), costCell(null)], ['0.000000001', '0', '']);
});

test('escapes formulas in every text column', () => {
  const outcome = outcomeOf('=a', {
    item: { prompt_id: '=a', prompt: '+b' },
    completions: [completionOf(1, '=HYPERLINK("http://127.0.0.1")'), completionOf(2, ' @c')],
  });
  assert.deepEqual(parseCsv(csvRow(outcome, shape))[0]?.slice(0, 5), [
    "'=a",
    'succeeded',
    "'+b",
    '\'=HYPERLINK("http://127.0.0.1")',
    "' @c",
  ]);
});

const nastyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '"',
        ',',
        "'",
        '=',
        '\0',
        '\uD800',
        '\u{1F600}',
        '\uFEFF',
        ' ',
        'x',
      ),
    )
    .map((parts) => parts.join('')),
);

test('csv-parse gives back every text, apart from the escape', () => {
  fc.assert(
    fc.property(fc.tuple(nastyText, nastyText, nastyText, nastyText), ([id, prompt, one, two]) => {
      const outcome = outcomeOf('a', {
        item: { prompt_id: id, prompt },
        completions: [completionOf(1, one), completionOf(2, two)],
        error: { type: 'Completion.Fault', message: one, attempts: 1 },
      });
      const file = throughUtf8(csvHead(shape) + csvRow(outcome, shape) + csvRow(outcome, shape));
      const texts = [id, 'succeeded', prompt, one, two].map((text) => throughUtf8(toTextCell(text)));
      const row = [...texts, '30', '0.001234567', throughUtf8(`Completion.Fault: ${one}`)];
      assert.deepEqual(parseCsv(file).slice(1), [row, row]);
    }),
    { numRuns: 500 },
  );
});

const quoted: [text: string, cell: string][] = [
  ['a\nb', '"a\nb"'],
  ['a\rb', '"a\rb"'],
  ['a\r\nb', '"a\r\nb"'],
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  ['Result\n=1+1', '"Result\n=1+1"'],
  ['- boil water\n- add tea', '"\'- boil water\n- add tea"'],
  ['a b', 'a b'],
];
for (const [text, cell] of quoted)
  test(`writes ${JSON.stringify(text)} as ${JSON.stringify(cell)}`, () => {
    const outcome = outcomeOf('a', { completions: [completionOf(1, text), completionOf(2, 'x')] });
    assert.equal(csvRow(outcome, shape), `a,succeeded,Question a?,${cell},x,30,0.001234567,\r\n`);
  });

test('counts the cells that are longer than Excel can show, with the apostrophe before a formula', () => {
  const long = 'x'.repeat(32_768);
  const error = { type: 'Completion.Fault', message: long, attempts: 1 } as const;
  const lengthCases: [Parameters<typeof outcomeOf>[1], number][] = [
    [{ completions: [completionOf(1, long.slice(1)), completionOf(2, 'x')] }, 0],
    [{ completions: [completionOf(1, long), completionOf(2, long)] }, 2],
    [{ completions: [completionOf(1, `=${long.slice(2)}`)] }, 1],
    [{ item: { prompt_id: long, prompt: long } }, 2],
    [{ error }, 1],
  ];
  for (const [changes, count] of lengthCases) assert.equal(countLongCells(outcomeOf('a', changes)), count);
});
