import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

/**
 * Reads a path and a separator per line, and answers each with the records of that file as JSON. Strictly, where the
 * separator is the file's own.
 */
const SCRIPT = `
import csv, json, sys
csv.field_size_limit(2**31 - 1)
for line in sys.stdin:
    path, separator = json.loads(line)
    with open(path, encoding='utf-8-sig', newline='') as file:
        records = csv.reader(file, delimiter=separator, strict=separator == ',')
        print(json.dumps(list(records)), flush=True)
`;

/** A reason to skip a test that needs Python; `false` where it is installed. */
export const withoutPython: string | false =
  spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not installed';

/** Returns a reader of CSV files that is Python's own `csv` module, in one process for all of them. */
export function startPythonCsv(t: TestContext): (file: string, separator?: string) => Promise<string[][]> {
  const python = spawn('python3', ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => void python.stdin.end());
  const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  return async (file, separator = ',') => {
    python.stdin.write(`${JSON.stringify([file, separator])}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error(`Python cannot read ${file}; its reason is on standard error`);
    return JSON.parse(value) as string[][];
  };
}
