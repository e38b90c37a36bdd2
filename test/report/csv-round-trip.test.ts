import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import test from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { BatchResults } from '../../src/report/results-json.ts';
import { writeReports } from '../../src/report/write-reports.ts';
import { completionOf, outcomeOf, sourceOf } from './support/report-fixtures.ts';
import { startPythonCsv, withoutPython } from './support/python-csv.ts';
import { tempFolder } from './support/temp-folder.ts';
import { withoutGuard } from './support/without-guard.ts';

const lead = fc.constantFrom('=', '+', '-', '@', '\t', '');
const part = fc.constantFrom(
  ...[',', '"', '\n', '\r', '\r\n', '=', '+1', '-', '@', '\t', "'", ' ', 'word'],
  ...['\u2028', '\u0085', '\v', '\f', '\u00A0', '\uFEFF', '\u{1F600}', '\\', ';', '""', '\n\n'],
);
const nastyText = fc
  .tuple(lead, fc.array(part, { maxLength: 6 }))
  .map(([first, rest]) => first + rest.join(''));

const examples = [
  'Line one\nline two',
  '- boil water\n- add tea',
  'Result\n=1+1',
  'Result\r=1+1',
  'Result\r\n=1+1',
  '\n',
  '\r',
  '\r\n',
  '"',
  ',',
  'a\rb',
];

/** A prompt's texts: id, prompt, two completions and the message of its error. */
const nastyPrompt = fc.tuple(nastyText, nastyText, nastyText, nastyText, nastyText);

type Texts = [id: string, prompt: string, one: string, two: string, message: string];

const exampleBatch: [Texts[]] = [examples.map((text) => [text, text, text, text, text])];

const sourceOfTexts = (prompts: Texts[]) =>
  sourceOf(
    prompts.map(([id, prompt, one, two, message]) =>
      outcomeOf(id, {
        item: { prompt_id: id, prompt },
        completions: [completionOf(1, one), completionOf(2, two)],
        error: { type: 'Completion.Fault', message, attempts: 1 },
      }),
    ),
  );

const HEAD = ['prompt_id', 'status', 'prompt', 'completion_1', 'completion_2', 'tokens', 'cost', 'error'];

/** The records that the JSON report stands for. */
const recordsOf = ({ results }: BatchResults): string[][] => [
  HEAD,
  ...results.map(({ prompt_id, status, prompt, completions, aggregated_usage, error }) => [
    prompt_id,
    status,
    prompt,
    ...completions.map(({ text }) => text),
    String(aggregated_usage.total_tokens),
    '0.001234567',
    `${error?.type}: ${error?.message}`,
  ]),
];

/** What a spreadsheet takes for a formula, behind white space too. */
const formula = /^[\s\u0085\uFEFF]*[=+\-@]/;

const assertSame = (found: string[][], expected: string[][]): void => {
  assert.deepEqual(
    found.map((record) => record.map(withoutGuard)),
    expected,
  );
  for (const cell of found.flat()) assert.doesNotMatch(cell, formula);
};

type ReadCsv = (file: string, separator?: string) => Promise<string[][]>;

/**
 * Every kind of line end is a record's end to this reader, wherever one is not quoted. With another separator than the
 * file's own, quotes stand in the middle of cells and are taken as they are.
 */
const readStrictly: ReadCsv = async (file, separator = ',') =>
  parse(await readFile(file), {
    ...{ bom: true, record_delimiter: ['\r\n', '\n', '\r'], delimiter: separator },
    ...(separator !== ',' && { quote: false, relax_column_count: true }),
  });

const readers = [
  { title: 'csv-parse in strict mode', skip: false, startReader: () => readStrictly },
  { title: "Python's csv module", skip: withoutPython, startReader: startPythonCsv },
] as const;

for (const { title, skip, startReader } of readers) {
  test(`${title} reads from the CSV what the JSON holds`, { skip }, async (t) => {
    const folder = await tempFolder(t);
    const read = startReader(t);
    await fc.assert(
      fc.asyncProperty(fc.array(nastyPrompt, { minLength: 1, maxLength: 5 }), async (prompts) => {
        const { resultsFile, csvFile } = await writeReports(sourceOfTexts(prompts), folder);
        const report = JSON.parse(await readFile(resultsFile, 'utf8')) as BatchResults;
        assert.deepEqual(
          report.results.map(({ prompt_id, prompt, completions, error }) => [
            prompt_id,
            prompt,
            ...completions.map((completion) => completion.text),
            error?.message,
          ]),
          prompts,
        );
        assertSame(await read(csvFile), recordsOf(report));
        await Promise.all([rm(resultsFile), rm(csvFile)]);
      }),
      { numRuns: 200, examples: [exampleBatch] },
    );
  });

  for (const [name, separator] of [
    ['a semicolon', ';'],
    ['a tab', '\t'],
  ] as const)
    test(
      `${title.replace(' in strict mode', '')} finds no formula behind ${name} where that is the separator`,
      { skip },
      async (t) => {
        const folder = await tempFolder(t);
        const read = startReader(t);
        let split = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(nastyPrompt, { minLength: 1, maxLength: 5 }), async (prompts) => {
            const { resultsFile, csvFile } = await writeReports(sourceOfTexts(prompts), folder);
            for (const [, ...cells] of await read(csvFile, separator)) {
              split += cells.length;
              for (const cell of cells) assert.doesNotMatch(cell, formula);
            }
            await Promise.all([rm(resultsFile), rm(csvFile)]);
          }),
          { numRuns: 100, examples: [[[Array(5).fill(`a${separator}=1`) as Texts]], exampleBatch] },
        );
        assert.ok(split > 0);
      },
    );
}
