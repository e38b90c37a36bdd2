import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Why no small disk can be had here; `false` if it can. */
export const noSmallDisk =
  process.platform === 'linux' && process.getuid?.() === 0
    ? false
    : 'needs root on Linux to mount a small disk';

/** A disk of its own, of 64 KiB unless told. Skips the test and answers `null` where a container forbids mounting. */
export async function smallDisk(t: TestContext, kib = 64): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'durabatch-small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    await rmdir(folder);
    t.skip(`this machine does not let the test mount a small disk: ${String(error)}`);
    return null;
  }
  t.after(async () => {
    execFileSync('umount', ['--lazy', folder]);
    await rmdir(folder);
  });
  return folder;
}

/** Takes all the room that is left on a small disk; resolves to the file to be removed where there shall be some again. */
export async function fillDisk(disk: string): Promise<string> {
  const path = join(disk, 'filler');
  const file = await open(path, 'a');
  try {
    for (;;) await file.write(Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return path;
  } finally {
    await file.close();
  }
}
