import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { dirname } from 'node:path';
import * as z from 'zod';
import { PRIVATE_FILE } from '../system/files/private-mode.ts';
import { readRegularTextSync } from '../system/files/regular-file.ts';
import { syncFolderSync } from '../system/files/sync-folder.ts';
import { inHome } from '../system/home.ts';

const portsSchema = z.object({ grpc: z.int(), ui: z.int(), metrics: z.int(), http: z.int() });
export type ServerPorts = z.infer<typeof portsSchema>;

/** Where a server listens. */
export interface ServerPlace {
  ports: ServerPorts;
  /** Loopback address of the Web UI; the other ports are on 127.0.0.1. */
  uiAddress: string;
}

const isLoopback = (address: string): boolean => isIPv4(address) && address.startsWith('127.');

const recordSchema = z.object({
  /** `null` after a stop: the ports are kept, so that the next server answers under the same links. */
  pid: z.int().nullable(),
  /** See `processStart`. */
  processStart: z.string().nullable(),
  /** The database's own id, asked from the server; `null` until the server is ready. */
  clusterId: z.string().nullable(),
  ports: portsSchema,
  /** Servers of version 0.1.0 had it on 127.0.0.1. */
  uiAddress: z.string().refine(isLoopback).default('127.0.0.1'),
  startedAt: z.string(),
});
export type ServerRecord = z.infer<typeof recordSchema>;

const MAX_BYTES = 64 * 1024;

export const recordPath = (home: string): string => inHome(home, 'server.json');

/** The server last started in this home; `null` if there was none. */
export const readRecord = (home: string): ServerRecord | null => {
  const path = recordPath(home);
  let text: string;
  try {
    text = readRegularTextSync(path, MAX_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    throw new Error(
      `${path}: expected the record of the embedded server, found ${JSON.stringify(text.slice(0, 80))}. ` +
        'End any "temporal server start-dev" that still runs, delete this file, and try again.',
    );
  }
};

/** Synchronous, so that a server that was just started is on record before anything else happens. */
export const writeRecord = (home: string, record: ServerRecord): void => {
  const path = recordPath(home);
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = openSync(temporary, 'wx', PRIVATE_FILE);
  try {
    writeSync(file, `${JSON.stringify(record, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncFolderSync(dirname(path));
};
