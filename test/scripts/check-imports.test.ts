import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { wrongImports } from '../../scripts/check-imports.mjs';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cases: [file: string, line: string, isWrong: boolean][] = [
  ['core/money.ts', `import { x } from './settings.ts';`, false],
  ['core/money.ts', `import type { Manifest } from '../store/manifest/manifest.ts';`, true],
  ['store/ledger/bill.ts', `import { addMoney } from '../../core/money.ts';`, false],
  ['store/ledger/bill.ts', `const later = import('../../client/cli.ts');`, true],
  ['store/ledger/bill.ts', `import '../../report/summary.ts';`, true],
  ['store/ledger/bill.ts', `export * from '../manifest/manifest.ts';`, false],
  ['client/cli.ts', `import { x } from '../store/batch-store.ts';`, false],
  ['config.ts', `import { x } from './client/cli.ts';`, true],
  ['unknown/new.ts', `import { x } from '../core/money.ts';`, true],
];
for (const [file, line, isWrong] of cases) {
  test(`src/${file}: ${line} is ${isWrong ? 'named' : 'allowed'}`, async (t) => {
    const src = await temporaryFolder(t);
    await mkdir(dirname(join(src, file)), { recursive: true });
    await writeFile(join(src, file), `${line}\n`);
    const wrong = wrongImports(src);
    assert.equal(wrong.length, isWrong ? 1 : 0);
    if (isWrong) assert.ok(wrong[0]!.startsWith(`src/${file}: `), wrong[0]);
  });
}
