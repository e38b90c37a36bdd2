/** What a folder of somebody else's makes the commands print. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import { batchIdIn, createWorkplace, type Workplace } from '../e2e/workplace.ts';
import { useTestServer } from '../support/temporal-server.ts';

const server = useTestServer();

const ACTIVE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
const SHELL = '$(touch pwned)`touch pwned`"\'';
/** Escape sequences, 8-bit ones, a title, the clipboard, turned text, hidden characters, a forged line, shell code. */
const HOSTILE = `x\u001b[2J\u001b]52;c;eA==\u0007\u001b]0;t\u0007\u009b31m\u202e\u200b\nState    FORGED\r\n${SHELL}`;

type Change = (manifest: Manifest) => object;
const changes: [what: string, change: Change][] = [
  ['names', () => ({ batch_id: HOSTILE, batch_name: HOSTILE, source: HOSTILE })],
  ['model', (manifest) => ({ settings: { ...manifest.settings, model: HOSTILE } })],
  ['address', (manifest) => ({ settings: { ...manifest.settings, baseUrl: `javascript:${HOSTILE}` } })],
  [
    'files and failures of a report',
    (manifest) => ({
      runs: manifest.runs.map((run) => ({
        ...run,
        outcome: run.outcome && {
          ...run.outcome,
          state: 'partly_failed',
          ...{ resultsFile: HOSTILE, csvFile: HOSTILE, failuresFile: `/${HOSTILE}` },
          failuresByType: { 'Completion.Rejected': 1 },
          failures: [
            { type: 'Completion.Rejected', count: 1, examples: [{ promptId: HOSTILE, message: HOSTILE }] },
          ],
          warnings: [HOSTILE],
        },
      })),
    }),
  ],
  [
    'failures file',
    (manifest) => ({
      runs: manifest.runs.map((run) => ({
        ...run,
        outcome: run.outcome && {
          ...run.outcome,
          ...{ state: 'partly_failed', failuresFile: `/out/${SHELL}.jsonl` },
          failuresByType: { 'Completion.Rejected': 1 },
        },
      })),
    }),
  ],
  [
    'pause',
    (manifest) => ({
      pause: { reason: 'operator', message: HOSTILE, since: HOSTILE, by: HOSTILE },
      runs: manifest.runs.map((run) => ({ ...run, outcome: undefined })),
    }),
  ],
  ['reason of a pause', () => ({ pause: { reason: HOSTILE, message: HOSTILE, since: HOSTILE } })],
  ['times', () => ({ created_at: HOSTILE, runs: [{ run: 1, started_at: HOSTILE }] })],
];

async function rewrite(folder: string, change: Change): Promise<void> {
  const file = join(folder, 'batch.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
  await writeFile(file, JSON.stringify({ ...manifest, ...change(manifest) }));
  await rm(join(folder, 'revisions'), { recursive: true, force: true });
}

interface Printed {
  args: string;
  text: string;
}

/** What each command prints, as text and as JSON. A manifest may as well be refused: that is printed too. */
async function printed(place: Workplace, id: string): Promise<Printed[]> {
  const texts: Printed[] = [];
  const looks = ['status', 'report', 'audit'].map((command) => [command, id]);
  for (const args of [['list'], ...looks, ['tail', id, '--no-follow']])
    for (const flags of [[], ['--json']]) {
      const all = [...args, '--output-dir', 'out', ...flags];
      const { stdout, stderr } = await place.cli(all);
      texts.push(...[stdout, stderr].map((text) => ({ args: all.join(' '), text })));
    }
  return texts;
}

/** What stands between single quotes is nothing to a shell. */
const assertHarmlessCommand = (command: string): void => {
  assert.doesNotMatch(command.replaceAll(/'[^']*'/g, ''), /touch|[$`]/, command);
};

function assertHarmless({ args, text }: Printed): void {
  const found = ACTIVE.exec(text);
  const near = text.slice(Math.max(0, (found?.index ?? 0) - 80)).slice(0, 160);
  assert.equal(found, null, `${args}: ${JSON.stringify(near)}`);
  assert.doesNotMatch(text, /^\s*State {4}FORGED/m, args);
  if (args.endsWith('--json'))
    for (const line of text.split('\n').filter((each) => each.startsWith('{')))
      assertHarmlessCommand(
        (JSON.parse(line) as { next_step?: { command: string | null } }).next_step?.command ?? '',
      );
  else for (const [command] of text.matchAll(/^ +durabatch .*/gm)) assertHarmlessCommand(command);
}

for (const [what, change] of changes)
  test(`a manifest with hostile ${what} prints plain text, whatever looks at it`, async (t) => {
    const place = await createWorkplace(t, server);
    assert.equal((await place.run(await place.write('prompts.json', ['one']))).code, 0);
    const id = await batchIdIn(place.outputDir);
    await rewrite(join(place.outputDir, id), change);
    for (const each of await printed(place, id)) assertHarmless(each);
  });

const noSuchNames = process.platform === 'win32' && 'Windows has no such names';
test(
  'a folder of a hostile name is listed as plain text and named in no command',
  { skip: noSuchNames },
  async (t) => {
    const place = await createWorkplace(t, server);
    assert.equal((await place.run(await place.write('prompts.json', ['one']))).code, 0);
    const id = await batchIdIn(place.outputDir);
    const name = `${id}${HOSTILE.replaceAll('/', '')}`;
    await cp(join(place.outputDir, id), join(place.outputDir, name), { recursive: true });
    await rm(join(place.outputDir, id), { recursive: true });
    await mkdir(join(place.outputDir, `broken${HOSTILE}`));
    await writeFile(join(place.outputDir, `broken${HOSTILE}`, 'batch.json'), '{}');
    const texts = await printed(place, id);
    assert.ok(texts.some(({ args, text }) => args.startsWith('list') && text.includes('touch pwned')));
    for (const each of texts) assertHarmless(each);
  },
);
