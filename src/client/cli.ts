#!/usr/bin/env node
/**
 * The `durabatch` command. A terminal may close while the commands are still being loaded, so nothing is imported
 * statically here but the handler of that.
 */
import { outliveTerminals } from './command-line/hangup.ts';

outliveTerminals();
const { keepCompiledCode } = await import('./command-line/compile-cache.ts');
keepCompiledCode(process.env);
const { main } = await import('./program.ts');
await main();
