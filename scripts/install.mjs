import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmProgram, root, runNode } from './project.mjs';

const MINIMUM = [20, 6];

/** Installs what package-lock.json asks for, unless it is there already. */
export const install = () => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1])) {
    throw new Error(`durabatch needs Node ${MINIMUM.join('.')} or newer; this is ${process.versions.node}.`);
  }
  const missing = firstMissing(
    packagesOf('package-lock.json'),
    packagesOf('node_modules/.package-lock.json'),
  );
  if (missing === undefined) return;
  console.log(`Installing packages (${missing}) …`);
  const code = runNode([npmProgram(), 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0)
    throw new Error(`npm ci ended with exit code ${code}: the packages could not be installed.`);
};

/** Why the installed packages are not those of the lock file; `undefined` if they are. */
export const firstMissing = (wanted, installed) => {
  if (!wanted) throw new Error('package-lock.json is missing: this is not a whole checkout.');
  if (!installed) return 'none are there yet';
  for (const [path, { version, optional, peer }] of Object.entries(wanted)) {
    const found = installed[path]?.version;
    const isNeeded = path !== '' && !optional && !peer;
    if ((isNeeded || found !== undefined) && path !== '' && found !== version) {
      return `${path}: ${version} wanted, ${found ?? 'nothing'} installed`;
    }
  }
  return undefined;
};

const packagesOf = (file) => {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${file} is not readable (${error.message}).`, { cause: error });
  }
};
