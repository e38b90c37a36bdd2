import path from 'node:path';

const SLUG_CHARACTERS = 40;

/** The file's name as the start of a batch id: [a-z0-9-], at most 40 characters, `prompts` if nothing is left. */
export function slugOfFile(file: string): string {
  const slug = path
    .parse(file)
    .name.normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, SLUG_CHARACTERS)
    .replace(/-+$/, '');
  return slug === '' ? 'prompts' : slug;
}
