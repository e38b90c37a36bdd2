#!/usr/bin/env node
/**
 * The `durabatch` command. A terminal may close while the commands are still being loaded, so nothing is imported
 * statically here but the handler of that.
 */
import * as nodeModule from 'node:module';
import { outliveTerminals } from './command-line/hangup.ts';

outliveTerminals();
keepCompiledCode();
const { main } = await import('./program.ts');
await main();

/** Where Node has it (22.8 and later), what it has compiled is kept for the next command, which starts a tenth sooner. */
function keepCompiledCode(): void {
  (nodeModule as { enableCompileCache?: () => unknown }).enableCompileCache?.();
}
