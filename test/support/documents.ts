/** The pages for users, as data: README.md and what is in docs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Page {
  /** Path from the checkout's folder, with `/`. */
  name: string;
  text: string;
}

export const userPages: readonly Page[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
].map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));

export interface CodeBlock {
  page: string;
  /** What follows the opening fence; empty where nothing does. */
  language: string;
  text: string;
}

export const codeBlocks = (pages: readonly Page[] = userPages): CodeBlock[] =>
  pages.flatMap(({ name, text }) =>
    [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', block = '']) => ({
      page: name,
      language,
      text: block,
    })),
  );

/** Lines for a shell, each with its page. */
export const commandLines = (): { page: string; line: string }[] =>
  codeBlocks()
    .filter(({ language }) => ['', 'sh', 'bash'].includes(language))
    .flatMap(({ page, text }) =>
      text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => ({ page, line })),
    );

/** Code within sentences and tables. */
export const inlineCode = (): { page: string; code: string }[] =>
  userPages.flatMap(({ name, text }) =>
    [...text.replaceAll(/^```\w*\n[^]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => ({
      page: name,
      code: code.replaceAll('\\|', '|'),
    })),
  );
