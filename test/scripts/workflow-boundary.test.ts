import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { programs } from '../../scripts/project.mjs';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const imports: [line: string, isAllowed: boolean][] = [
  [`export { x } from './tally.ts';`, true],
  [`export { proxyActivities } from '@temporalio/workflow';`, true],
  [`export { ApplicationFailure } from '@temporalio/common';`, true],
  [`export type { BatchInput } from '../contract.ts';`, true],
  [`import type { Client } from '@temporalio/client'; export type X = Client;`, true],
  [`import { type z } from 'zod'; export type X = z.ZodType;`, true],
  [`export { SHARD_SIZE } from '../contract.ts';`, false],
  [`export * from '../contract.ts';`, false],
  [`import { SHARD_SIZE } from '../contract.ts'; export const x = SHARD_SIZE;`, false],
  [`import { type A, b } from '../contract.ts'; export const x: A = b;`, false],
  [`export { z } from 'zod';`, false],
  [`export { readFile } from 'node:fs/promises';`, false],
  [`export { readFile } from 'fs/promises';`, false],
  [`export { heartbeat } from '@temporalio/activity';`, false],
  [`export { Client } from '@temporalio/client';`, false],
  [`export { Worker } from '@temporalio/worker';`, false],
  [`export { x } from 'openai';`, false],
  [`export const later = () => import('../contract.ts');`, false],
];

for (const [line, isAllowed] of imports) {
  test(`lint ${isAllowed ? 'accepts' : 'refuses'} in a workflow file: ${line}`, async (t) => {
    const folder = await temporaryFolder(t);
    await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    await mkdir(join(folder, 'src', 'workflows'), { recursive: true });
    await writeFile(join(folder, 'src', 'workflows', 'probe.ts'), `${line}\n`);
    const oxlint = join(root, programs.oxlint);
    const { status, stdout } = spawnSync(process.execPath, [oxlint], { cwd: folder, encoding: 'utf8' });
    if (isAllowed) assert.equal(status, 0, stdout);
    else assert.match(stdout, /no-restricted-imports[^]*Workflow files/);
  });
}
