/** Opens the output folder named by its argument when told to, and says which UUID it found. */
import { once } from 'node:events';
import { openOutputFolder } from '../../../src/store/output-folder.ts';

process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdout.write(`${(await openOutputFolder(process.argv[2]!)).uuid}\n`);
process.exit(0);
