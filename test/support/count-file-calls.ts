/** Counts calls of Node's file functions in this process, while the real ones do the work. */
import { promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

type Counted = 'readdir' | 'stat' | 'readFile';

/** Every import of `node:fs/promises` is counted, until the test ends. */
export function countFileCalls(
  t: TestContext,
): (work: () => Promise<unknown>) => Promise<Record<Counted, number>> {
  const counts: Record<Counted, number> = { readdir: 0, stat: 0, readFile: 0 };
  // A file that is opened is read.
  const counted = { readdir: 'readdir', stat: 'stat', readFile: 'readFile', open: 'readFile' } as const;
  for (const name of ['readdir', 'stat', 'readFile', 'open'] as const) {
    const real = promises[name] as (...args: unknown[]) => unknown;
    t.mock.method(promises, name, (...args: unknown[]) => {
      counts[counted[name]]++;
      return real.apply(promises, args);
    });
  }
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return async (work) => {
    Object.assign(counts, { readdir: 0, stat: 0, readFile: 0 });
    await work();
    return { ...counts };
  };
}
