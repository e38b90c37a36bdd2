/** Links between the documents and to the files they are about. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const MAX_ARCHITECTURE_LINES = 150;

const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort(),
];

const read = (path: string): string => readFileSync(path, 'utf8');

/** Returns a document without its code blocks. */
const proseOf = (text: string): string => text.replaceAll(/^ *(```+|~~~+)[^]*?^ *\1[^\n]*$/gm, '');

/** Returns the targets of the links of a document, without those that have a scheme. */
function relativeLinksOf(text: string): string[] {
  const prose = proseOf(text).replaceAll(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const named = [...prose.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s+"[^"]*")?\s*$/gm)];
  return [...inline, ...named]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z][\w+.-]*:/i.test(target));
}

/** Returns the anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of proseOf(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const shown = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = shown
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let number = 1; anchors.has(unique); number++) unique = `${anchor}-${number}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Returns why a link of `document` leads nowhere; `null`: it resolves. */
function whyBroken(document: string, link: string): string | null {
  const [path = '', anchor] = link.split('#').map(decodeURIComponent);
  const target = path === '' ? document : resolve(dirname(document), path);
  if (relative(root, target).startsWith('..')) return `${link}: outside the project`;
  if (!existsSync(target)) return `${link}: there is no ${relative(root, target)}`;
  if (anchor === undefined) return null;
  if (statSync(target).isDirectory() || !target.endsWith('.md'))
    return `${link}: only documents have headings`;
  return anchorsOf(read(target)).has(anchor)
    ? null
    : `${link}: ${relative(root, target)} has no such heading`;
}

for (const name of documents) {
  test(`every relative link in ${name} resolves`, () => {
    const path = join(root, name);
    const broken = relativeLinksOf(read(path)).map((link) => whyBroken(path, link));
    assert.deepEqual(
      broken.filter((why) => why !== null),
      [],
    );
  });
}

const sample = [
  '# Two `words`, and more',
  '## Again',
  '## Again',
  '[one](a.md) [two](<b.md#x> "title") [web](https://example.com/c.md) ![image](d.png)',
  '`[code](e.md)`',
  '```',
  '# no heading',
  '[block](f.md)',
  '```',
  '[named]: g.md',
].join('\n');

test('links are found in prose only, and those with a scheme are left out', () => {
  assert.deepEqual(relativeLinksOf(sample), ['a.md', 'b.md#x', 'd.png', 'g.md']);
});

test('anchors are those of GitHub', () => {
  assert.deepEqual([...anchorsOf(sample)], ['two-words-and-more', 'again', 'again-1']);
});

for (const [link, why] of [
  ['ARCHITECTURE.md#glossary', null],
  ['#glossary', null],
  ['#no-such-heading', /has no such heading/],
  ['docs/no-such-file.md', /there is no docs/],
  ['../outside.md', /outside the project/],
  ['src/index.ts#L1', /only documents have headings/],
] as const) {
  test(`the link ${link} of ARCHITECTURE.md ${why === null ? 'resolves' : 'is broken'}`, () => {
    const found = whyBroken(join(root, 'ARCHITECTURE.md'), link);
    if (why === null) assert.equal(found, null);
    else assert.match(found ?? '', why);
  });
}

test('decisions have numbers of their own, and the list has them all', () => {
  const folder = join(root, 'docs', 'decisions');
  const names = readdirSync(folder).filter((name) => name !== 'README.md');
  assert.deepEqual(
    names.filter((name) => !/^\d{4}-[a-z0-9-]+\.md$/.test(name)),
    [],
  );
  assert.equal(new Set(names.map((name) => name.slice(0, 4))).size, names.length);
  assert.deepEqual(relativeLinksOf(read(join(folder, 'README.md'))).sort(), names.sort());
});

test(`ARCHITECTURE.md has at most ${MAX_ARCHITECTURE_LINES} lines`, () => {
  const lines = read(join(root, 'ARCHITECTURE.md')).trimEnd().split('\n').length;
  assert.ok(lines <= MAX_ARCHITECTURE_LINES, `it has ${lines}`);
});
