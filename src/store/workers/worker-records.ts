/**
 * Liveness records of the processes that work on a batch: `<batch folder>/workers/<owner>-<8 hex>.beats`, one file a
 * worker. A file only grows: a JSON line that says whose it is, then a dot for each sign of life, and JSON lines for
 * what has changed. So its size is a counter that any observer can watch, on any file system.
 */
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { presentSize } from '../../system/files/present-size.ts';
import { PRIVATE_FOLDER } from '../../system/files/private-mode.ts';
import { readRegularText } from '../../system/files/regular-file.ts';
import { syncFolder } from '../../system/files/sync-folder.ts';
import { pidVerdict } from '../../system/worker-identity.ts';
import { LAPSE_MS } from '../../core/lapse.ts';

export const workersFolderOf = (batchFolder: string): string => join(batchFolder, 'workers');

export const toRecordName = (owner: string, suffix: string): string => `${owner}-${suffix}.beats`;

/** The owner (a worker's identity as a file name) in the name of its record; `null`: it is no record. */
export const ownerOfRecord = (name: string): string | null =>
  /^(.+)-[\da-f]{8}\.beats$/.exec(name)?.[1] ?? null;

/** A line of a record. A later one says what has changed. */
export interface WorkerNote {
  /** Identity of the process. */
  worker?: string;
  /** The batch's newest run, as far as this process knows. */
  run?: number | null;
  /** It has ended cleanly: none of its requests is in flight any more. */
  left?: true;
  /** When it ended, ISO 8601, by its own clock. */
  at?: string;
}

export const noteLine = (note: WorkerNote): string => `${JSON.stringify(note)}\n`;

/** What a record says of its process by its notes. A note that is not whole yet is left out. */
export function readNotes(text: string): WorkerNote {
  const notes = text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace(/^\.+/, ''))
    .filter((line) => line.startsWith('{'))
    .flatMap(toNote);
  return Object.assign({}, ...notes) as WorkerNote;
}

/** A record may come from elsewhere, as the folder may. */
const noteSchema = z.object({
  worker: z.string().max(1000).optional(),
  run: z.int().min(0).nullish(),
  left: z.literal(true).optional(),
  at: z.iso.datetime().optional(),
});

function toNote(line: string): WorkerNote[] {
  try {
    return [noteSchema.parse(JSON.parse(line)) as WorkerNote];
  } catch {
    // A write that was cut off, by a full disk or a kill, or no note of a worker: it says nothing.
    return [];
  }
}

/** A record as it is read once, by whoever does not watch it. */
export interface WorkerRecord extends WorkerNote {
  owner: string;
  /** When it was last renewed by the file system's clock, in ms since 1970: a hint, for what is shown to people. */
  renewedAt: number;
}

/** Whether its process seems to be at work: it has not left, its pid is not gone, and the record was renewed within the lapse before `now`. */
export const isAtWork = ({ left, worker = '', renewedAt }: WorkerRecord, now: number): boolean =>
  !left && now - renewedAt < LAPSE_MS && pidVerdict(worker) !== 'dead';

/** All records of a batch, in no order; `null`: the batch was started by a version that has none. */
export async function readWorkerRecords(batchFolder: string): Promise<WorkerRecord[] | null> {
  const folder = workersFolderOf(batchFolder);
  const records: WorkerRecord[] = [];
  const names = await recordNames(folder);
  if (names === null) return null;
  for (const name of names) {
    try {
      const text = await readRegularText(join(folder, name));
      const { mtimeMs } = await stat(join(folder, name));
      records.push({ ...readNotes(text), owner: ownerOfRecord(name)!, renewedAt: mtimeMs });
    } catch (error) {
      // A later worker has cleared it away.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return records;
}

/** The records by name, each with its size in bytes. */
export async function recordSizes(folder: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of (await recordNames(folder)) ?? []) {
    const size = await presentSize(join(folder, name));
    if (size !== null) sizes.set(name, size);
  }
  return sizes;
}

async function recordNames(folder: string): Promise<string[] | null> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return names && names.filter((name) => ownerOfRecord(name) !== null);
}

/** Says that the batch's workers keep records: one without any has had no worker. Not the batch's own folder, which is there. */
export async function openWorkersFolder(batchFolder: string): Promise<void> {
  try {
    await mkdir(workersFolderOf(batchFolder), PRIVATE_FOLDER);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  await syncFolder(batchFolder);
}
