/**
 * Changes a batch's manifest in a process of its own, as its standard input says:
 *
 *   add <name>      one note is added
 *   freeze <name>   as `add`, but the process stops itself (SIGSTOP) between reading the manifest and writing it
 *
 * It prints `ready`, and `done` after each.
 */
import { createInterface } from 'node:readline';
import { BatchStore } from '../../../src/store/batch-store.ts';
import { findOutputFolder } from '../../../src/store/output-folder.ts';

const [outputDir = '', batchId = ''] = process.argv.slice(2);
const store = new BatchStore(await findOutputFolder(outputDir), batchId, `child-${process.pid}`);
let isFrozen = false;

async function add(name: string, freezes: boolean): Promise<void> {
  await store.updateManifest((manifest) => {
    if (freezes && !isFrozen) {
      isFrozen = true;
      process.kill(process.pid, 'SIGSTOP');
    }
    return { ...manifest, metadata: { ...manifest.metadata, [name]: true } };
  });
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [what, name = ''] = line.split(' ');
  await add(name, what === 'freeze');
  console.log('done');
}
