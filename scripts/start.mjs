import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildIfStale } from './build.mjs';
import { install } from './install.mjs';
import { runNodeWithSignals, root, runScript } from './project.mjs';

const KEY = 'DEEPSEEK_API_KEY';
const PROVIDER_FLAGS = /^--(provider|base-url|api-key-env)(=|$)/;

const hasKey = async () => {
  if (process.env[KEY]) return true;
  const { parse } = await import('dotenv');
  const file = join(root, '.env');
  // A FIFO would be waited for: the command itself names what is no file.
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return false;
  return Boolean(parse(readFileSync(file))[KEY]);
};

await runScript(async () => {
  install();
  await buildIfStale();
  const flags = process.argv.slice(2);
  const isSimulated = !flags.some((flag) => PROVIDER_FLAGS.test(flag)) && !(await hasKey());
  if (isSimulated) {
    console.log(
      `${KEY} is not set: running with the simulated provider, whose answers are made up and cost nothing.`,
    );
    console.log(`For a real run set ${KEY}, in the environment or in a file named .env, and start again.`);
  }
  return runNodeWithSignals([
    join('dist', 'client', 'cli.js'),
    'run',
    join('prompts', 'sample_batch.json'),
    ...(isSimulated ? ['--provider', 'simulated'] : []),
    ...flags,
  ]);
});
