/** What the liveness records say of an open batch that nobody answers for. */
import assert from 'node:assert/strict';
import { utimes, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { idleStateOf } from '../../src/client/idle-state.ts';
import { WorkerPulse } from '../../src/store/worker-pulse.ts';
import { openWorkersFolder, workersFolderOf } from '../../src/store/worker-records.ts';
import { toFileName, workerIdentity } from '../../src/worker-identity.ts';
import { LAPSE_MS } from '../../src/workflows/policies.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const own = workerIdentity();
const [name = '', start = '', scope = ''] = own.split('/');
/** The pid of this process, at another start of it: that process is gone. */
const gone =
  process.platform === 'linux'
    ? `${name}/1-${start.split('-')[1]}/${scope}`
    : `4194305@${name.split('@')[1]}/${start}/${scope}`;
const far = `7@far.invalid/1-00000000/00000000-1`;

interface Record {
  worker: string;
  run?: number;
  left?: boolean;
  /** How long ago it was last renewed. Default: just now. */
  ageMs?: number;
}

async function batchWith(t: TestContext, records: Record[]): Promise<string> {
  const batchFolder = await temporaryFolder(t);
  await openWorkersFolder(batchFolder);
  const folder = workersFolderOf(batchFolder);
  for (const { worker, run = 2, left = false, ageMs = 0 } of records) {
    const before = new Set(await readdir(folder));
    const pulse = new WorkerPulse({ batchFolder, worker, owner: toFileName(worker), run: async () => run });
    await pulse.renew();
    if (left) await pulse.leave();
    const [file = ''] = (await readdir(folder)).filter((each) => !before.has(each));
    const at = new Date(Date.now() - ageMs);
    await utimes(join(folder, file), at, at);
  }
  return batchFolder;
}

const cases: [title: string, records: Record[], state: string][] = [
  ['no worker has come', [], 'waiting'],
  [
    'only workers of earlier runs',
    [
      { worker: far, run: 1 },
      { worker: own, run: 1, left: true },
    ],
    'waiting',
  ],
  ['one that has left in good order', [{ worker: own, left: true }], 'stopped'],
  ['one whose process is gone', [{ worker: gone }], 'crashed'],
  ['one of another machine that is not renewed', [{ worker: far, ageMs: LAPSE_MS + 1000 }], 'crashed'],
  ['one of this machine that is frozen', [{ worker: own, ageMs: LAPSE_MS + 1000 }], 'crashed'],
  ['one that is renewed', [{ worker: own }], 'running'],
  ['one of another machine that is renewed', [{ worker: far }], 'running'],
  ['a killed one, and another that goes on', [{ worker: gone }, { worker: far }], 'running'],
  [
    'a killed one, and another that left later',
    [
      { worker: gone, ageMs: 5000 },
      { worker: far, left: true },
    ],
    'stopped',
  ],
  [
    'one that left, and another that was killed later',
    [{ worker: far, left: true, ageMs: 5000 }, { worker: gone }],
    'crashed',
  ],
];
for (const [title, records, state] of cases) {
  test(`${state}: ${title}`, async (t) => {
    const batchFolder = await batchWith(t, records);
    assert.equal(await idleStateOf({ batchFolder, run: 2, now: Date.now() }), state);
  });
}

test('a batch that an older version started has no records, and they say nothing of it', async (t) => {
  const batchFolder = await temporaryFolder(t);
  assert.equal(await idleStateOf({ batchFolder, run: 1, now: Date.now() }), null);
});
