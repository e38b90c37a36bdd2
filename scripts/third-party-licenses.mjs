import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from './project.mjs';

/** Licences of packages whose npm package has none, each taken from the package's repository. */
const KEPT = { 'js-tiktoken': 'scripts/licenses/js-tiktoken.txt' };

/** Returns name, version and licence text of each package that `files` belong to, as one text. Throws if a package has no licence text. */
export const thirdPartyLicenses = (files) => {
  const folders = new Set(files.map(packageFolder).filter((folder) => folder !== undefined));
  const notices = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { title: `${name} ${version} (${license})`, text: licenseText(folder, name) };
  });
  const sorted = notices.sort((a, b) => (a.title < b.title ? -1 : 1));
  return [
    'The files in this folder contain code of these packages.\n',
    ...sorted.map(({ title, text }) => `${'-'.repeat(80)}\n${title}\n\n${text.trim()}\n`),
  ].join('\n');
};

const packageFolder = (file) =>
  /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(resolve(root, file))?.[0];

const licenseText = (folder, name) => {
  const found = readdirSync(folder).filter((entry) => /^(licen[cs]e|copying|notice)/i.test(entry));
  const paths = found.sort().map((entry) => join(folder, entry));
  if (paths.length === 0 && KEPT[name] !== undefined) paths.push(join(root, KEPT[name]));
  if (paths.length === 0)
    throw new Error(
      `${name} is bundled and has no licence text. Add the text of its repository to scripts/licenses.`,
    );
  return paths.map((path) => readFileSync(path, 'utf8').replaceAll('\r\n', '\n')).join('\n');
};
