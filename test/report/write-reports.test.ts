import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, isAbsolute, join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { readPromptFile } from '../../src/input/read-prompt-file.ts';
import type { PromptItem } from '../../src/core/prompt.ts';
import type { PossiblyPaidRequest } from '../../src/report/tally/possibly-paid.ts';
import type { toResult } from '../../src/report/results-json.ts';
import { summarise, type ReportSummary } from '../../src/report/summary.ts';
import { writeReports } from '../../src/report/write-reports.ts';
import {
  boughtOf,
  completionOf,
  failedOutcome,
  manifestOf,
  noBill,
  notRunOutcome,
  outcomeOf,
  sourceOf,
  usageOf,
} from './support/report-fixtures.ts';
import { tempFolder } from './support/temp-folder.ts';

const stem = 'batch_results_20260304_050607_sample-0123456789ab';

interface ResultsFile {
  summary: ReportSummary;
  settings: Record<string, unknown>;
  metadata: Record<string, unknown>;
  possibly_paid: PossiblyPaidRequest[];
  results: ReturnType<typeof toResult>[];
}

const readResults = async (path: string): Promise<ResultsFile> =>
  JSON.parse(await readFile(path, 'utf8')) as ResultsFile;

const readCsv = async (path: string): Promise<Record<string, string>[]> =>
  parse(await readFile(path), { bom: true, columns: true });

/** Decimal US dollars as integer nano-USD, without floating point. */
const toNano = (decimal: string): bigint => {
  const [whole = '', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(9, '0'));
};

const writeInChild = (args: string[], execArgv: string[] = []): ChildProcess =>
  spawn(
    process.execPath,
    [
      ...execArgv,
      '--import',
      'tsx',
      fileURLToPath(new URL('support/write-in-child.ts', import.meta.url)),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );

test('writes both files under one name and nothing else', async (t) => {
  const folder = await tempFolder(t);
  const written = await writeReports(sourceOf([outcomeOf('a')]), folder);
  assert.deepEqual((await readdir(folder)).sort(), [`${stem}.csv`, `${stem}.json`]);
  assert.equal(written.resultsFile, join(folder, `${stem}.json`));
  assert.equal(written.csvFile, join(folder, `${stem}.csv`));
});

test('makes the folder, and gives absolute paths for a relative one', async (t) => {
  const folder = relative(process.cwd(), join(await tempFolder(t), 'new', 'folder'));
  const { resultsFile, summary } = await writeReports(sourceOf([outcomeOf('a')]), folder);
  assert.ok(isAbsolute(resultsFile));
  assert.equal(summary.results_file, resultsFile);
});

test('has summary, settings, metadata, possibly_paid and results, in this order', async (t) => {
  const source = sourceOf([outcomeOf('a'), failedOutcome('b')], { state: 'partly_failed' });
  const { resultsFile, csvFile, failuresFile, summary } = await writeReports(source, await tempFolder(t));
  const file = await readResults(resultsFile);
  assert.deepEqual(Object.keys(file), ['summary', 'settings', 'metadata', 'possibly_paid', 'results']);
  assert.deepEqual(file.summary, summary);
  assert.deepEqual(file.summary, {
    ...(await summarise(source)),
    results_file: resultsFile,
    csv_file: csvFile,
    failures_file: failuresFile,
  });
  assert.equal(file.settings['api_key_env'], 'DEEPSEEK_API_KEY');
  assert.deepEqual(file.metadata, { team: 'rlhf' });
  assert.deepEqual(
    file.results.map(({ prompt_id }) => prompt_id),
    ['a', 'b'],
  );
});

test('sums agree between summary, JSON and CSV to the last nano-USD', async (t) => {
  const outcomes = Array.from({ length: 200 }, (_, at) => {
    const paid = {
      usage: usageOf(at, 2 * at, { cached: at % 3, reasoning: at % 5 }),
      costNanoUsd: (at * 7_919_333) % 1_000_003,
    };
    const answers = [boughtOf(`answer ${at}`, paid, { kept: at % 7 !== 0 })];
    return at % 10 === 0
      ? { ...failedOutcome(`p${at}`), paid, answers }
      : outcomeOf(`p${at}`, { paid, answers });
  });
  const source = sourceOf([...outcomes, notRunOutcome('last')], { state: 'cancelled' });
  const { resultsFile, csvFile } = await writeReports(source, await tempFolder(t));
  const { summary, results } = await readResults(resultsFile);
  const rows = await readCsv(csvFile);

  const nano = outcomes.reduce((sum, { paid }) => sum + BigInt(paid.costNanoUsd ?? 0), 0n);
  assert.equal(toNano(String(summary.estimated_cost)), nano);
  const { paid_and_kept: kept, paid_and_discarded: discarded } = summary.bill;
  assert.ok((kept ?? 0) > 0 && (discarded ?? 0) > 0);
  assert.equal(toNano(String(kept)) + toNano(String(discarded)), nano);
  assert.equal(
    rows.reduce((sum, { cost = '' }) => sum + toNano(cost), 0n),
    nano,
  );
  const resultsNano = results.reduce(
    (sum, result) => sum + BigInt(Math.round((result.estimated_cost ?? NaN) * 1e9)),
    0n,
  );
  assert.equal(resultsNano, nano);

  const sumOf = (field: keyof (typeof results)[number]['aggregated_usage']): number =>
    results.reduce((sum, { aggregated_usage }) => sum + aggregated_usage[field], 0);
  assert.equal(sumOf('total_tokens'), summary.total_tokens);
  assert.equal(sumOf('prompt_tokens'), summary.prompt_tokens);
  assert.equal(sumOf('completion_tokens'), summary.completion_tokens);
  assert.equal(sumOf('cached_tokens'), summary.cached_tokens);
  assert.equal(sumOf('reasoning_tokens'), summary.reasoning_tokens);
  assert.equal(
    rows.reduce((sum, { tokens }) => sum + Number(tokens), 0),
    summary.total_tokens,
  );
});

test('the prompts that failed are in a file of their own, to be run as it is', async (t) => {
  const folder = await tempFolder(t);
  const item = { prompt_id: 'b', prompt: 'Why?', max_tokens: 9, fields: { topic: 'x', prompt: 1 } };
  const source = sourceOf([outcomeOf('a'), { ...failedOutcome('b'), item }, failedOutcome('c')], {
    state: 'partly_failed',
  });
  const { failuresFile, summary } = await writeReports(source, folder);
  assert.equal(failuresFile, join(folder, `${stem}_failures.jsonl`));
  assert.equal(summary.failures_file, failuresFile);
  assert.deepEqual((await readdir(folder)).sort(), [`${stem}.csv`, `${stem}.json`, `${stem}_failures.jsonl`]);
  const items: PromptItem[] = [];
  await readPromptFile(failuresFile, (each) => void items.push(each));
  assert.deepEqual(items, [item, failedOutcome('c').item]);
});

test('names every request that was possibly paid, each at its own worst case', async (t) => {
  const request = {
    id: 's1',
    at: '2026-03-04T05:06:00.000Z',
    run: 1,
    turn: 2,
    attempt: 3,
    samples: [2],
    worstCostNanoUsd: 1_500_000,
    why: 'reset',
  };
  const lost = (...ids: string[]) => ({ ...noBill, possiblyPaid: ids.map((id) => ({ ...request, id })) });
  const source = sourceOf([
    outcomeOf('a'),
    outcomeOf('b', { bill: lost('s1', 's2') }),
    outcomeOf('c', { bill: lost('s3') }),
  ]);
  const { resultsFile } = await writeReports(source, await tempFolder(t));
  const { summary, possibly_paid } = await readResults(resultsFile);
  assert.deepEqual(possibly_paid[0], {
    record_id: 's1',
    prompt_id: 'b',
    samples: [2],
    time: '2026-03-04T05:06:00.000Z',
    run: 1,
    turn: 2,
    attempt: 3,
    worst_case_cost: 0.0015,
    why: 'reset',
  });
  assert.deepEqual(
    possibly_paid.map(({ prompt_id, record_id }) => [prompt_id, record_id]),
    [
      ['b', 's1'],
      ['b', 's2'],
      ['c', 's3'],
    ],
  );
  assert.deepEqual(summary.bill.possibly_paid, { requests: 3, worst_case_cost: 0.0045 });
});

test('an unknown price is null and an empty cell', async (t) => {
  const paid = { usage: usageOf(3, 4), costNanoUsd: null };
  const source = sourceOf([outcomeOf('a', { paid }), outcomeOf('b')]);
  const { resultsFile, csvFile } = await writeReports(source, await tempFolder(t));
  const { summary, results } = await readResults(resultsFile);
  assert.equal(summary.estimated_cost, null);
  assert.deepEqual(
    results.map((result) => result.estimated_cost),
    [null, 0.001234567],
  );
  assert.deepEqual(
    (await readCsv(csvFile)).map(({ cost }) => cost),
    ['', '0.001234567'],
  );
});

const nastyTexts = [
  '=HYPERLINK("http://127.0.0.1","x")',
  'emoji \u{1F469}\u200D\u{1F4BB} and \u2028 \u2029',
  'NUL \0 and bell \x07',
  'lone \uD83D and \uDE00',
  '</script><!-- ]]>',
  'a "quoted", comma\r\nCRLF\rCR\nLF\n',
  '200 KB '.repeat(29_000),
  '\\u0000 \\" \\',
];

test('JSON.parse gives back every text, in valid UTF-8', async (t) => {
  const outcomes = nastyTexts.map((nasty, at) =>
    outcomeOf(`p${at}`, {
      item: {
        prompt_id: nasty.slice(0, 256),
        prompt: nasty,
        fields: JSON.parse(`{"__proto__": 1, ${JSON.stringify(nasty.slice(0, 99))}: [null]}`),
      },
      completions: [completionOf(1, nasty), completionOf(2, nasty, { reasoning: nasty })],
    }),
  );
  const metadata = { [`key ${nastyTexts[3]}`]: nastyTexts };
  const source = sourceOf(outcomes, { manifest: { metadata, batch_name: nastyTexts[5] ?? '' } });
  const { resultsFile } = await writeReports(source, await tempFolder(t));
  const bytes = await readFile(resultsFile);
  const file = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as ResultsFile;
  assert.deepEqual(file.metadata, metadata);
  assert.equal(file.summary.batch_name, nastyTexts[5]);
  for (const [at, nasty] of nastyTexts.entries()) {
    const result = file.results[at];
    assert.ok(result);
    assert.equal(result.prompt, nasty);
    assert.deepEqual(
      result.completions.map((completion) => completion.text),
      [nasty, nasty],
    );
    assert.deepEqual(Object.entries(result.fields), Object.entries(outcomes[at]?.item.fields ?? {}));
  }
});

test('the CSV holds every text, multi-line ones included, in input order', async (t) => {
  const outcomes = nastyTexts.map((nasty, at) =>
    outcomeOf(`p${at}`, { completions: [completionOf(1, nasty), completionOf(2, 'x')] }),
  );
  const { csvFile } = await writeReports(sourceOf(outcomes), await tempFolder(t));
  const rows = await readCsv(csvFile);
  assert.deepEqual(
    rows.map(({ prompt_id, completion_1 }) => [prompt_id, completion_1]),
    nastyTexts.map((nasty, at) => [`p${at}`, Buffer.from(at === 0 ? `'${nasty}` : nasty).toString()]),
  );
});

test('marks a simulated batch in the summary, every result and every row', async (t) => {
  const settings = { ...manifestOf(2).settings, provider: 'simulated' as const };
  const source = sourceOf([outcomeOf('a'), notRunOutcome('b')], { manifest: { settings } });
  const { resultsFile, csvFile } = await writeReports(source, await tempFolder(t));
  const { summary, results } = await readResults(resultsFile);
  assert.equal(summary.simulated, true);
  assert.deepEqual(
    results.map((result) => 'simulated' in result && result.simulated),
    [true, true],
  );
  assert.deepEqual(
    (await readCsv(csvFile)).map(({ simulated }) => simulated),
    ['true', 'true'],
  );
});

test('a second report of the same second gets the next name', async (t) => {
  const folder = await tempFolder(t);
  const source = sourceOf([outcomeOf('a')]);
  const names = [];
  for (let count = 0; count < 3; count++) {
    const { resultsFile } = await writeReports(source, folder);
    assert.equal((await readResults(resultsFile)).summary.results_file, resultsFile);
    names.push(basename(resultsFile, '.json'));
  }
  assert.deepEqual(names, [stem, `${stem}_2`, `${stem}_3`]);
});

test('one report tells of one moment while the ledger grows', async (t) => {
  let reads = 0;
  const source = sourceOf([], {
    state: 'running',
    manifest: { prompts: 1 },
    async *outcomes() {
      reads++;
      yield outcomeOf('a', { paid: { usage: usageOf(reads, reads), costNanoUsd: reads } });
    },
  });
  const { resultsFile, csvFile, summary } = await writeReports(source, await tempFolder(t));
  const { results } = await readResults(resultsFile);
  assert.equal(summary.total_tokens, results[0]?.aggregated_usage.total_tokens);
  assert.equal(String(summary.total_tokens), (await readCsv(csvFile))[0]?.['tokens']);
  assert.equal(summary.partial, true);
});

test('several calls and processes at once get whole files of their own', async (t) => {
  const folder = await tempFolder(t);
  const children = [1, 2].map(() => writeInChild([folder, '300', '2000']));
  const calls = [1, 2, 3].map(() => writeReports(sourceOf([outcomeOf('a')]), folder));
  const exits = await Promise.all(children.map((child) => once(child, 'exit')));
  assert.deepEqual(exits, [
    [0, null],
    [0, null],
  ]);
  await Promise.all(calls);
  const names = await readdir(folder);
  assert.equal(names.length, 10);
  for (const name of names.filter((each) => each.endsWith('.json'))) {
    const { summary, results } = await readResults(join(folder, name));
    assert.equal(summary.results_file, join(folder, name));
    assert.equal(results.length, summary.total_items);
    assert.equal((await readCsv(summary.csv_file ?? '')).length, summary.total_items);
  }
});

test('what a killed writer left neither blocks nor ends up in the next report', async (t) => {
  const folder = await tempFolder(t);
  const child = writeInChild([folder, '100', '5000', 'hang']);
  assert.ok(child.stdout);
  await once(child.stdout, 'data');
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  const left = await readdir(folder);
  assert.ok(left.length > 0 && left.every((name) => name.endsWith('.part')));
  const { resultsFile } = await writeReports(sourceOf([outcomeOf('a')]), folder);
  assert.equal(basename(resultsFile), `${stem}_2.json`);
  assert.equal((await readResults(resultsFile)).results.length, 1);
});

const openFiles = async (): Promise<number | null> =>
  process.platform === 'linux' ? (await readdir('/proc/self/fd')).length : null;

test('an error while reading leaves no file behind and none open', async (t) => {
  const folder = await tempFolder(t);
  const before = await openFiles();
  const source = sourceOf([], {
    async *outcomes() {
      yield outcomeOf('a', { completions: [completionOf(1, 'x'.repeat(200_000))] });
      throw new Error('ledger/00000/a.jsonl: line 7 is damaged');
    },
  });
  await assert.rejects(writeReports(source, folder), /line 7 is damaged/);
  assert.deepEqual(await readdir(folder), []);
  assert.equal(await openFiles(), before);
});

test('a store that lost prompts gives an error, not a wrong report', async (t) => {
  const folder = await tempFolder(t);
  const source = sourceOf([outcomeOf('a')], { manifest: { prompts: 3 } });
  await assert.rejects(writeReports(source, folder), /says 3 prompts, but its folder holds 1/);
  assert.deepEqual(await readdir(folder), []);
});

test('a folder that is a file is an error that says what to do', async (t) => {
  const file = join(await tempFolder(t), 'out');
  await writeFile(file, '');
  for (const folder of [file, join(file, 'below')])
    await assert.rejects(writeReports(sourceOf([outcomeOf('a')]), folder), {
      name: 'FileWriteError',
      message: /cannot write .*out.*choose (a|an)other.*durabatch report sample-0123456789ab/,
    });
});

test(
  'an unwritable folder is an error that names the file and what to do',
  { skip: process.platform === 'win32' && 'needs POSIX permissions' },
  async (t) => {
    const parent = await tempFolder(t);
    await chmod(parent, 0o755);
    const folder = join(parent, 'out');
    await mkdir(folder, { mode: 0o555 });
    const asRoot = process.geteuid?.() === 0;
    if (asRoot) process.seteuid?.(65_534);
    try {
      await assert.rejects(writeReports(sourceOf([outcomeOf('a')]), folder), {
        code: 'EACCES',
        message: /batch_results_20260304_050607_sample-0123456789ab\.json\.part: there is no permission/,
      });
    } finally {
      if (asRoot) process.seteuid?.(0);
    }
    assert.deepEqual(await readdir(folder), []);
  },
);

test('20,000 prompts fit through a small heap', async (t) => {
  const folder = await tempFolder(t);
  const child = writeInChild([folder, '20000', '4000'], ['--max-old-space-size=40']);
  assert.ok(child.stdout);
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  assert.equal(child.exitCode, 0);
  const { csvFile, resultsFile } = JSON.parse(output) as { csvFile: string; resultsFile: string };
  assert.ok((await stat(resultsFile)).size > 160e6);
  assert.ok((await stat(csvFile)).size > 160e6);
  const tail = (await readFile(resultsFile)).subarray(-2000).toString();
  assert.match(tail, /"fields": \{\}\n {4}\}\n {2}\]\n\}\n$/);
});
