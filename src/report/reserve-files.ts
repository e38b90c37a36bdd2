import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { AtomicFile } from './atomic-file.ts';
import { reportStem } from './file-names.ts';
import { FileWriteError } from './file-write-error.ts';

/** The files of one report, open under temporary names that no one else can take. */
export interface ReservedFiles {
  json: AtomicFile;
  csv: AtomicFile;
  /** Published only where prompts failed. */
  failures: AtomicFile;
  /** Keeps the requests possibly paid until the summary is known; never published. */
  possiblyPaid: AtomicFile;
  /** Keeps the results until the summary that goes before them is known; never published. */
  results: AtomicFile;
}

/** Also true for a link that leads nowhere. */
const exists = async (path: string): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

/** Closes and removes all; an error that was already under way stays the one that is thrown. */
export const discardAll = async (files: AtomicFile[], reason?: unknown): Promise<void> => {
  const outcomes = await Promise.allSettled(files.map((file) => file.discard()));
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as Error] : [],
  );
  if (errors.length === 0) return;
  const all = reason === undefined ? errors : [reason as Error, ...errors];
  throw new AggregateError(all, all.map(({ message }) => message).join('; then '));
};

/** `null` if any of the names is taken: by a finished report, by one being written, or by what a crash left. */
const reserve = async (folder: string, stem: string): Promise<ReservedFiles | null> => {
  const opened: AtomicFile[] = [];
  const openFile = async (end: string): Promise<AtomicFile> => {
    const file = await AtomicFile.open(join(folder, `${stem}${end}`));
    opened.push(file);
    return file;
  };
  try {
    const files: ReservedFiles = {
      json: await openFile('.json'),
      csv: await openFile('.csv'),
      failures: await openFile('_failures.jsonl'),
      possiblyPaid: await openFile('.possibly-paid'),
      results: await openFile('.results'),
    };
    // Looked at only now: whoever held the temporary names before has published by the time he lets go.
    const taken = await Promise.all([files.json, files.csv, files.failures].map(({ path }) => exists(path)));
    if (!taken.includes(true)) return files;
  } catch (error) {
    if (!(error instanceof FileWriteError && error.code === 'EEXIST')) {
      await discardAll(opened, error);
      throw error;
    }
  }
  await discardAll(opened);
  return null;
};

/** Takes the first free name of the second `timestamp` is in, safely between processes. */
export const reserveFiles = async (
  folder: string,
  timestamp: Date,
  batchId: string,
): Promise<ReservedFiles> => {
  for (let count = 1; ; count++) {
    const files = await reserve(folder, reportStem(timestamp, batchId, count));
    if (files) return files;
  }
};
