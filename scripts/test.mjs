import { readdirSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { buildIfStale } from './build.mjs';
import { install } from './install.mjs';
import { runNodeWithSignals, root, runScript } from './project.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
/** Longer than a test waits for one event: such a wait fails first, and says what it waited for. */
const TIMEOUT_MS = 30 * 60_000;
/** Of a Temporal server, a command and the test itself, with room to spare. */
const BYTES_PER_FILE = 1.5 * 2 ** 30;
/** Test files at once: most start processes of their own, so that two keep two cores busy. */
const concurrency = Math.max(2, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_FILE)));

/** Options of the runner that Node 20.6 does not have yet. */
const newerFlags =
  major > 20 || minor >= 11 ? [`--test-concurrency=${concurrency}`, `--test-timeout=${TIMEOUT_MS}`] : [];

await runScript(async () => {
  install();
  await buildIfStale();
  const filters = process.argv.slice(2);
  const files = readdirSync(join(root, 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name))
    .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
    .sort();
  if (files.length === 0) throw new Error(`No test file has ${filters.join(' or ')} in its path.`);
  // Messages name commands as the user has to type them: tests see one form, by `npm test` and without.
  delete process.env.npm_command;
  return runNodeWithSignals(['--import', 'tsx', '--test', '--test-reporter=spec', ...newerFlags, ...files]);
});
