import { wrongImports } from './check-imports.mjs';
import { install } from './install.mjs';
import { programs, runNode, runScript } from './project.mjs';

const checks = {
  lint: [programs.oxlint, '--type-aware', '--deny-warnings'],
  format: [programs.oxfmt, '--check'],
  types: [programs.tsc, '-p', 'tsconfig.json'],
};

await runScript(() => {
  install();
  const failed = [];
  for (const [name, command] of Object.entries(checks)) {
    console.log(`— ${name}`);
    if (runNode(command) !== 0) failed.push(name);
  }
  console.log('— imports');
  const wrong = wrongImports();
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) failed.push('imports');
  console.log(failed.length === 0 ? 'check: all good' : `check: failed: ${failed.join(', ')}`);
  return failed.length;
});
