/** `controls.jsonl`: who asked what of a batch, and why; one JSON line each, appended, never changed. */
import { join } from 'node:path';
import type { ControlNote } from '../core/progress.ts';
import { syncFolder } from '../system/files/sync-folder.ts';
import { PRIVATE_FILE } from '../system/files/private-mode.ts';
import { openToAppend, readRegularText } from '../system/files/regular-file.ts';

export const CONTROLS_FILE = 'controls.jsonl';

/** Durable when it resolves. A control that is there already is not appended again. */
export async function appendControl(batchFolder: string, note: ControlNote): Promise<void> {
  const path = join(batchFolder, CONTROLS_FILE);
  const text = await readRegularText(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const line = `${JSON.stringify(note)}\n`;
  if (text.includes(line)) return;
  const file = await openToAppend(path, PRIVATE_FILE);
  try {
    // A line that a crash has torn ends here.
    await file.writeFile(text === '' || text.endsWith('\n') ? line : `\n${line}`);
    await file.sync();
    if (text === '') await syncFolder(batchFolder);
  } finally {
    await file.close();
  }
}
