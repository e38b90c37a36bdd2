import { install } from './install.mjs';
import { programs, runNode, runScript } from './project.mjs';

await runScript(() => {
  install();
  return runNode([programs.oxfmt, ...process.argv.slice(2)]);
});
