import { createWriteStream } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { openPromise as openZip } from 'yauzl';
import { PRIVATE_FILE } from '../system/files/private-mode.ts';

/** Of an archive and of what is in it: some times what the binary has today. */
export const MAX_BYTES = 1024 ** 3;

/** Whether a member's path within the archive is the wanted one. */
export type MemberTest = (path: string) => boolean;

/** Writes the first wanted member of a zip or a gzipped tar (told apart by their first bytes) to `target`. */
export const extractMember = async (archive: string, wanted: MemberTest, target: string): Promise<void> => {
  const extract = extractors[await firstBytes(archive)];
  if (!extract) throw new Error(`${basename(archive)} is neither a zip nor a tar.gz archive`);
  if (!(await extract(archive, wanted, target))) {
    throw new Error(`${basename(archive)} does not contain the Temporal binary`);
  }
};

const extractFromZip = async (archive: string, wanted: MemberTest, target: string): Promise<boolean> => {
  const zip = await openZip(archive, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      if (!wanted(entry.fileName)) continue;
      if (entry.uncompressedSize > MAX_BYTES)
        throw new Error(`${basename(archive)} has a member of ${entry.uncompressedSize} bytes`);
      await pipeline(
        await zip.openReadStreamPromise(entry),
        createWriteStream(target, { mode: PRIVATE_FILE }),
      );
      return true;
    }
    return false;
  } finally {
    zip.close();
  }
};

/** Takes what a release archive holds: names up to 100 bytes, sizes in octal (the ustar format). */
const extractFromTarGz = async (archive: string, wanted: MemberTest, target: string): Promise<boolean> => {
  const tar = await promisify(gunzip)(await readFile(archive), { maxOutputLength: MAX_BYTES });
  const text = (from: number, length: number) =>
    tar.toString('latin1', from, from + length).split('\0', 1)[0] ?? '';
  const BLOCK = 512;
  for (let header = 0; header + BLOCK <= tar.length && tar[header] !== 0;) {
    const size = Number.parseInt(text(header + 124, 12), 8);
    const data = header + BLOCK;
    if (!(size >= 0) || data + size > tar.length) throw new Error(`${basename(archive)} is damaged`);
    if (wanted(text(header, 100))) {
      await writeFile(target, tar.subarray(data, data + size), { mode: PRIVATE_FILE });
      return true;
    }
    header = data + Math.ceil(size / BLOCK) * BLOCK;
  }
  return false;
};

const extractors: Record<string, typeof extractFromZip> = {
  '504b': extractFromZip,
  '1f8b': extractFromTarGz,
};

const firstBytes = async (path: string): Promise<string> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString('hex', 0, bytesRead);
  } finally {
    await file.close();
  }
};
