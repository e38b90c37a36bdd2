/** Which folder of `src` may import from which. Everything points one way: downwards in this table. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { root } from './project.mjs';

/** From each folder (or file) of `src`: the others that it may import from, types included. */
const allowed = {
  core: [],
  system: ['core'],
  'config.ts': ['core', 'system'],
  prices: ['core'],
  providers: ['core', 'system', 'prices'],
  store: ['core', 'system', 'prices', 'providers'],
  report: ['core', 'system', 'prices', 'providers', 'store'],
  activities: ['core', 'system', 'prices', 'providers', 'store', 'report'],
  // By value from core only: that rule is the linter's.
  workflows: ['core', 'activities'],
  throttling: ['core', 'system', 'activities', 'workflows'],
  worker: ['core', 'system', 'config.ts', 'providers', 'store', 'activities', 'workflows', 'throttling'],
  'temporal-server': ['core', 'system', 'workflows'],
  input: ['core', 'system', 'store'],
  client: [
    ...['core', 'system', 'config.ts', 'prices', 'providers', 'store', 'report', 'workflows', 'worker'],
    ...['temporal-server', 'input'],
  ],
  'index.ts': ['core', 'report', 'input', 'client'],
};

/** One line for each import that points the wrong way. */
export function wrongImports(src = join(root, 'src')) {
  const partOf = (path) => relative(src, path).split(sep)[0];
  const wrong = [];
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' });
  for (const name of names.filter((each) => each.endsWith('.ts'))) {
    const file = join(src, name);
    const from = partOf(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/(?:from|import\(?)\s*'(\.[^']+)'/g)) {
      const to = partOf(normalize(join(dirname(file), specifier)));
      if (to !== from && !allowed[from]?.includes(to))
        wrong.push(`src/${name}: ${from} may not import from ${to} (${specifier})`);
    }
  }
  return wrong;
}
