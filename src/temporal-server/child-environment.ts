/** What of the environment the programs see that this one starts: exact lists, so that no key and no stranger's setting gets in. */

import { delimiter, isAbsolute, join, resolve, sep } from 'node:path';

const system = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TEMP', 'TMP', 'TMPDIR'];
const folders = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR'];
const windows = [
  ...['SYSTEMROOT', 'WINDIR', 'COMSPEC', 'PATHEXT', 'USERNAME', 'USERPROFILE'],
  ...['APPDATA', 'LOCALAPPDATA', 'HOMEDRIVE', 'HOMEPATH'],
];
/** Of Go's runtime: memory and processors of a server that somebody has limited. */
const goRuntime = ['GOMAXPROCS', 'GOMEMLIMIT', 'GOGC'];
const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'];
/** Where pip finds packages and whom it trusts; what it brings is checked anyway. */
const pip = [
  ...[
    'PIP_INDEX_URL',
    'PIP_EXTRA_INDEX_URL',
    'PIP_FIND_LINKS',
    'PIP_NO_INDEX',
    'PIP_TRUSTED_HOST',
    'PIP_PROXY',
  ],
  ...['PIP_CERT', 'PIP_CLIENT_CERT', 'PIP_DEFAULT_TIMEOUT', 'PIP_CONFIG_FILE'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'PYENV_ROOT', 'PYENV_VERSION'],
];

const passedOn = {
  /** The Temporal CLI, as server or asked for its version. The server lives on for days. */
  temporal: [...system, ...folders, ...windows, ...goRuntime],
  pip: [...system, ...folders, ...windows, ...proxies, ...proxies.map((name) => name.toLowerCase()), ...pip],
};

/** The part of the environment that a program of this kind gets. Its PATH names no folder of the working folder. */
export function childEnvironment(program: keyof typeof passedOn, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = new Set(passedOn[program]);
  const nameOf = (name: string): string => (process.platform === 'win32' ? name.toUpperCase() : name);
  const entries = Object.entries(env)
    .filter(([name]) => names.has(nameOf(name)))
    .map(([name, value]) => [name, nameOf(name) === 'PATH' ? fixedFolders(value ?? '') : value]);
  return Object.fromEntries(entries) as NodeJS.ProcessEnv;
}

/** Programs that are scripts start others by their names. */
const fixedFolders = (path: string): string =>
  path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && resolve(folder) !== process.cwd() && !isOfPackages(folder))
    .join(delimiter);

/** Whether npm puts the programs of packages there. */
export const isOfPackages = (folder: string): boolean =>
  join(folder, sep).includes(join(sep, 'node_modules', '.bin', sep));
