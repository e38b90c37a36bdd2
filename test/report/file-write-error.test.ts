import assert from 'node:assert/strict';
import test from 'node:test';
import { FileWriteError, toFileWriteError } from '../../src/report/file-write-error.ts';

const failure = (code: string): Error => Object.assign(new Error(`${code}: write`), { code });

const rows: [string, RegExp][] = [
  ['ENOSPC', /cannot write \/out\/x\.json: the disk is full; free some space .*\(ENOSPC\)$/],
  ['EACCES', /cannot write \/out\/x\.json: there is no permission .*make the folder writable/],
  ['EROFS', /read-only; choose another folder/],
  ['ESTRANGE', /cannot write \/out\/x\.json: ESTRANGE: write$/],
];
for (const [code, message] of rows)
  test(`${code} names the file and what to do`, () => {
    const error = toFileWriteError(failure(code), '/out/x.json');
    assert.match(error.message, message);
    assert.equal(error.code, code);
  });

test('an error that already names its file stays as it is', () => {
  const first = toFileWriteError(failure('ENOSPC'), '/out/a');
  assert.ok(first instanceof FileWriteError);
  assert.equal(toFileWriteError(first, '/out/b'), first);
});
