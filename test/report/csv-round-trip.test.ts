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

const guardNeeded = /^[=+\-@\t]/;
const guardAllowed = /^(?:[\t\r]|[\s\u0085\uFEFF]*[=+\-@])/;

/** A record without the apostrophes before formulas; those that are missing or not called for stay to be seen. */
const withoutGuard = (record: string[], texts: string[]): string[] =>
  record.map((cell, at) => {
    const text = texts[at] ?? '';
    if (cell === `'${text}` && guardAllowed.test(text)) return text;
    return cell === text && guardNeeded.test(text) ? `${cell} (not guarded)` : cell;
  });

const assertSame = (found: string[][], expected: string[][]): void => {
  assert.deepEqual(
    found.map((record, at) => withoutGuard(record, expected[at] ?? [])),
    expected,
  );
};

/** Every kind of line end is a record's end to this reader, wherever one is not quoted. */
const readStrictly = async (file: string): Promise<string[][]> =>
  parse(await readFile(file), { bom: true, record_delimiter: ['\r\n', '\n', '\r'] });

const readers = [
  { title: 'csv-parse in strict mode', skip: false, startReader: () => readStrictly },
  { title: "Python's csv module", skip: withoutPython, startReader: startPythonCsv },
] as const;

for (const { title, skip, startReader } of readers)
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
