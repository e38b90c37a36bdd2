import { stat } from 'node:fs/promises';
import { failed, type Finding, ok } from './finding.ts';

/** `place` answers where the workflow bundle is, or throws. */
export async function checkBuild(version: string, place: () => string): Promise<Finding> {
  const advice =
    'In a checkout: npm run build. Else install the package again: npm install --force durabatch.';
  try {
    const { size, mtime } = await stat(place());
    if (size === 0) return failed(`durabatch ${version}, but its workflow bundle is empty`, advice);
    return ok(`durabatch ${version}, workflows built ${mtime.toISOString()}`);
  } catch (error) {
    return failed(`durabatch ${version}: ${error instanceof Error ? error.message : String(error)}`, advice);
  }
}
