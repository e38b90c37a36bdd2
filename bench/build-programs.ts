/** Compiles the benchmark's own programs, so that no contender pays for a compiler at its start. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Answers the folder, which is the caller's to remove. Inside the project, or its packages would not be found. */
export async function buildPrograms(): Promise<string> {
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'durabatch-bench-'));
  try {
    await buildInto(folder);
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function buildInto(folder: string): Promise<void> {
  const tsc = join(root, 'node_modules', 'typescript', 'lib', 'tsc.js');
  const { status } = spawnSync(
    process.execPath,
    [tsc, '-p', join(root, 'bench', 'tsconfig.json'), '--outDir', folder],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  if (status !== 0) throw new Error("the benchmark's programs could not be compiled");
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(folder, 'bare-loop', 'workflow.js'),
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(join(folder, 'bare-loop.js'), code);
}
