import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import type { PlannedFault } from './file-fault.ts';
import { runFileTrial } from './file-trial.ts';
import { faultsOf } from './file-verdict.ts';

let server: TestServer;
let folder: string;
before(async () => {
  server = await startTestServer();
  folder = await realpath(await mkdtemp(join(tmpdir(), 'durabatch-made-')));
  await mkdir(join(folder, 'home'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The third time that the output folder is opened to be synced is after the batch has got its name. */
const AT = 3;
const moments: (Pick<PlannedFault, 'kind'> & { title: string })[] = [
  { title: 'the process dies', kind: 'death' },
  { title: 'the folder above it cannot be synced', kind: 'error' },
];
for (const { title, kind } of moments)
  test(`a batch is there, and ${title}: its user resumes it without a question`, async () => {
    const env = { ...server.env, OPENAI_API_KEY: 'key-of-the-trial' };
    const fault: PlannedFault = { at: AT, kind, code: 'EIO', only: '^open $' };
    const { story, evidence, operations } = await runFileTrial(env, folder, fault);
    assert.ok(operations.length >= AT, 'the fault befell an operation');
    assert.equal(story.length, 2, story.join('\n'));
    assert.deepEqual(faultsOf(evidence), [], story.join('\n'));
  });
