import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Locked {
  version: string;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}
const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
const packages = read('package-lock.json').packages as Record<string, Locked>;

test('the lock file holds the packages of every platform, not just of the one it was written on', () => {
  const names = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
    .filter((name) => !names.has(name));
  assert.deepEqual(missing, []);
});

test('the lock file names no download addresses, so that any registry serves', () => {
  assert.deepEqual(
    Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined),
    [],
  );
});

test('all Temporal packages have one exact version', () => {
  const { dependencies } = read('package.json') as { dependencies: Record<string, string> };
  const wanted = Object.entries(dependencies).filter(([name]) => name.startsWith('@temporalio/'));
  assert.deepEqual([...new Set(wanted.map(([, version]) => version))], ['1.24.0']);
  const locked = Object.entries(packages).filter(([path]) => path.includes('node_modules/@temporalio/'));
  assert.deepEqual([...new Set(locked.map(([, { version }]) => version))], ['1.24.0']);
});
