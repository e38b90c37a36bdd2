import { join } from 'node:path';
import { install } from './install.mjs';
import { runNode, runScript } from './project.mjs';

const checks = {
  lint: ['oxlint', 'bin', 'oxlint', '--type-aware', '--deny-warnings'],
  format: ['oxfmt', 'bin', 'oxfmt', '--check'],
  types: ['typescript', 'bin', 'tsc', '-p', 'tsconfig.json'],
};

await runScript(() => {
  install();
  const failed = [];
  for (const [name, [tool, folder, program, ...flags]] of Object.entries(checks)) {
    console.log(`— ${name}`);
    if (runNode([join('node_modules', tool, folder, program), ...flags]) !== 0) failed.push(name);
  }
  console.log(failed.length === 0 ? 'check: all good' : `check: failed: ${failed.join(', ')}`);
  return failed.length;
});
