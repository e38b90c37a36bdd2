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
  [`export { shardRange } from 'UP/core/shard-range.ts';`, true],
  [`export type { Activities } from 'UP/activities/index.ts';`, true],
  [`import type { Client } from '@temporalio/client'; export type X = Client;`, true],
  [`import { type z } from 'zod'; export type X = z.ZodType;`, true],
  [`export { createActivities } from 'UP/activities/index.ts';`, false],
  [`export * from 'UP/config.ts';`, false],
  [`export * from 'UP/cores/settings.ts';`, false],
  [`export * from 'UP/../core/settings.ts';`, false],
  [`import { readConfig } from 'UP/config.ts'; export const x = readConfig;`, false],
  [`import { type A, b } from 'UP/store/batch-store.ts'; export const x: A = b;`, false],
  [`export { z } from 'zod';`, false],
  [`export { readFile } from 'node:fs/promises';`, false],
  [`export { readFile } from 'fs/promises';`, false],
  [`export { heartbeat } from '@temporalio/activity';`, false],
  [`export { Client } from '@temporalio/client';`, false],
  [`export { Worker } from '@temporalio/worker';`, false],
  [`export { x } from 'openai';`, false],
  [`export const later = () => import('UP/config.ts');`, false],
];
/** Folders of workflow files, and how they reach `src`. */
const folders = [
  ['.', '..'],
  ['shards', '../..'],
] as const;

for (const [place, up, text, isAllowed] of folders.flatMap(([at, way]) =>
  imports.map(([line, may]) => [at, way, line, may] as const),
)) {
  const line = text.replace('UP', up);
  test(`lint ${isAllowed ? 'accepts' : 'refuses'} in src/workflows/${place}: ${line}`, async (t) => {
    const folder = await temporaryFolder(t);
    await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    await mkdir(join(folder, 'src', 'workflows', place), { recursive: true });
    await writeFile(join(folder, 'src', 'workflows', place, 'probe.ts'), `${line}\n`);
    const oxlint = join(root, programs.oxlint);
    const { status, stdout } = spawnSync(process.execPath, [oxlint], { cwd: folder, encoding: 'utf8' });
    if (isAllowed) assert.equal(status, 0, stdout);
    else assert.match(stdout, /no-restricted-imports[^]*Workflow files/);
  });
}
