import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createProgram } from '../../src/client/program.ts';
import { toCliPage } from '../../scripts/make-cli-page.mjs';

test('docs/cli.md is what `npm run cli-page` makes of the commands', async () => {
  const page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  assert.equal(page, toCliPage(), 'docs/cli.md is out of date: type npm run cli-page');
});

test('docs/cli.md has every command, and every flag that help shows', () => {
  const page = toCliPage();
  for (const command of createProgram().commands) {
    const [, section = ''] = page.split(`\n## \`${command.name()}`);
    assert.notEqual(section, '', command.name());
    const [own] = section.split('\n## ');
    for (const option of command.options.filter(({ hidden }) => !hidden))
      assert.ok(own?.includes(`| \`${option.flags.replaceAll('|', '\\|')}\` |`), option.flags);
  }
});
