import { rm, writeFile } from 'node:fs/promises';

/** A file where a folder should be: nothing can be written below it until it is gone. */
export async function putInTheWay(path: string): Promise<void> {
  await rm(path, { recursive: true });
  await writeFile(path, 'in the way');
}
