import { join } from 'node:path';
import { buildIfStale } from './build.mjs';
import { install } from './install.mjs';
import { runNodeWithSignals, runScript } from './project.mjs';

await runScript(async () => {
  install();
  await buildIfStale();
  const main = join('bench', 'main.ts');
  return runNodeWithSignals(['--import', 'tsx', main, ...process.argv.slice(2)]);
});
