import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import type { PlannedFault } from './file-fault.ts';
import { type Continuation, runFileTrial, workThrough } from './file-trial.ts';
import { faultsOf } from './file-verdict.ts';

let server: TestServer;
let folder: string;
before(async () => {
  server = await startTestServer();
  folder = await realpath(await mkdtemp(join(tmpdir(), 'durabatch-noted-')));
  await mkdir(join(folder, 'home'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The outcome is the third revision, after that of the batch and that of its run. */
const moments: (Omit<PlannedFault, 'at'> & { title: string; at?: number })[] = [
  {
    title: 'the process dies before its copy',
    kind: 'death',
    code: 'EIO',
    only: '^rename trial.*/\\.batch\\.json',
    at: 2,
  },
  {
    title: 'the process dies as soon as it is there',
    kind: 'death',
    code: 'EIO',
    only: '^rm .*000003\\.json',
  },
  {
    title: 'its folder cannot be synced',
    kind: 'error',
    code: 'EIO',
    only: '^sync trial[^/]*/revisions$',
    at: 2,
  },
];
const continuations: [name: string, continueBatch: Continuation | undefined][] = [
  ['"resume"', undefined],
  ['a worker', workThrough],
];
for (const { title, at = 1, ...fault } of moments)
  for (const [name, continueBatch] of continuations)
    test(`an outcome is noted, and ${title}: ${name} lets the workflow end with it`, async () => {
      const env = { ...server.env, OPENAI_API_KEY: 'key-of-the-trial' };
      const { story, evidence, operations } = await runFileTrial(
        env,
        folder,
        { at, ...fault },
        continueBatch,
      );
      assert.ok(operations.length >= at, 'the fault befell an operation');
      assert.equal(story.length, 2, story.join('\n'));
      assert.deepEqual(faultsOf(evidence), [], story.join('\n'));
    });
