/** How far somebody has read a batch's ledger, and how that is written down. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as z from 'zod';

/** Bytes read of each ledger file, by shard and file name. */
export type FeedPosition = ReadonlyMap<number, ReadonlyMap<string, number>>;

const MARK = 'c1_';
const cursorSchema = z.object({
  batch: z.string(),
  shards: z.record(z.string().regex(/^\d+$/), z.record(z.string(), z.int().min(0))),
});

/** One word that can be typed behind `--cursor`. */
export function toCursor(batchId: string, position: FeedPosition): string {
  const shards = Object.fromEntries(
    [...position].map(([shard, files]) => [
      shard,
      Object.fromEntries([...files].map(([name, bytes]) => [fileTag(name), bytes])),
    ]),
  );
  return MARK + deflateRawSync(JSON.stringify({ batch: batchId, shards })).toString('base64url');
}

/** By file tags instead of names. `null` if the text is no cursor. */
export function parseCursor(text: string): { batchId: string; position: FeedPosition } | null {
  if (!text.startsWith(MARK)) return null;
  try {
    const json = inflateRawSync(Buffer.from(text.slice(MARK.length), 'base64url'), {
      maxOutputLength: 1 << 28,
    });
    const { batch, shards } = cursorSchema.parse(JSON.parse(json.toString('utf8')));
    const position = Object.entries(shards).map(
      ([shard, files]) => [Number(shard), new Map(Object.entries(files))] as const,
    );
    return { batchId: batch, position: new Map(position) };
  } catch {
    return null;
  }
}

/** Tells a shard's files apart: a writer puts eight random digits at the end of the name of each of its files. */
export const fileTag = (name: string): string => /-([0-9a-f]{8})\.jsonl$/.exec(name)?.[1] ?? name;
