import { setTimeout as sleep } from 'node:timers/promises';
import { findTemporalBinary } from './binary.ts';
import { isLiveProcess, mayHaveArguments } from '../system/live-process.ts';
import { isPortFree, LOOPBACK } from './ports.ts';
import { acquireProcessLock } from '../system/process-lock.ts';
import { readRecord, recordPath, writeRecord } from './server-record.ts';
import type { ServerRecord } from './server-record.ts';
import { makeReady, startServer } from './server-start.ts';
import { askClusterId } from './temporal-probe.ts';
import { openHome, inHome } from '../system/home.ts';

export interface ServerInfo {
  /** `127.0.0.1:port`, for Temporal clients. */
  address: string;
  uiUrl: string;
  /** Of its database. */
  clusterId: string | null;
  pid: number;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** Whether this very call started it. */
  started: boolean;
}

export interface ServerOptions {
  home: string;
  env: NodeJS.ProcessEnv;
  /** Takes one line for the user at a time. */
  log: (line: string) => void;
}

/** A busy machine may keep a good server from answering for seconds; a second one on its database must never start. */
const SILENCE_MS = 20_000;
const PROBE_MS = 3_000;
const STOP_MS = 10_000;

/** Finds the embedded server of this home or starts it; it goes on after the command has ended. */
export const ensureServer = async ({ home, env, log }: ServerOptions): Promise<ServerInfo> => {
  await openHome(home, log);
  const running = await serverStatus(home);
  if (running) return running;
  const release = await acquireProcessLock(inHome(home, 'server.lock'), {
    onWait: (pid) => {
      const record = readRecord(home);
      if (record !== null && isSilent(record)) log(silentNote(record));
      else log(`Waiting for another command (process ${pid}) that is starting the Temporal server.`);
    },
  });
  try {
    const found = await awaitRunning(home, log);
    if (found) return found;
    const binary = await findTemporalBinary({ home, env, log });
    return infoOf(await startServer(binary, { home, env, log }), true);
  } finally {
    await release();
  }
};

/** The running server of this home; `null` if there is none, or it is not ready. */
export const serverStatus = async (home: string): Promise<ServerInfo | null> => {
  const record = readRecord(home);
  if (record === null || record.clusterId === null) return null;
  return (await probe(record)) === 'answers' ? infoOf(record, false) : null;
};

/** Ends the server of this home and answers which one it was; `null` if none ran. Its database and ports are kept. */
export const stopServer = async (home: string): Promise<ServerInfo | null> => {
  if (readRecord(home) === null) return null;
  const release = await acquireProcessLock(inHome(home, 'server.lock'));
  try {
    const record = readRecord(home);
    if (record === null || record.pid === null) return null;
    const seen = await probe(record);
    if (seen === 'silent' && record.processStart === null) throw notOurs(home, record);
    // The record is a file: whoever it names, only a Temporal server on these ports is ever ended.
    const looks = ['start-dev', '--port', `${record.ports.grpc}`, '--ui-port', `${record.ports.ui}`];
    if (seen !== 'gone' && !mayHaveArguments(record.pid, looks)) throw notOurs(home, record);
    if (seen !== 'gone') await endProcess(record.pid, record.processStart);
    writeRecord(home, { ...record, pid: null, processStart: null });
    return seen === 'gone' ? null : infoOf(record, false);
  } finally {
    await release();
  }
};

/**
 * What a recorded server does: `answers` as this home's cluster; `silent`, though its process may be alive;
 * or `gone`, its pid being dead or another program's.
 */
const probe = async (record: ServerRecord): Promise<'answers' | 'silent' | 'gone'> => {
  if (record.pid === null || !isLiveProcess(record.pid, record.processStart)) return 'gone';
  const clusterId = await askClusterId(record.ports.grpc, PROBE_MS);
  if (clusterId !== null && (record.clusterId ?? clusterId) === clusterId) return 'answers';
  if (record.processStart !== null) return isLiveProcess(record.pid, record.processStart) ? 'silent' : 'gone';
  return clusterId !== null || (await isPortFree(record.ports.grpc)) ? 'gone' : 'silent';
};

/** Whether a server that has not answered was ready once, and its process is alive: it is overloaded, frozen or being stopped. */
const isSilent = ({ pid, processStart, clusterId }: ServerRecord): boolean =>
  clusterId !== null && pid !== null && isLiveProcess(pid, processStart);

const silentNote = ({ pid }: ServerRecord): string =>
  `Waiting for the Temporal server (process ${pid}), which does not answer yet.`;

/** As `serverStatus`, but patient with a server that is starting, stopping or overloaded. Needs the lock. */
const awaitRunning = async (home: string, log: ServerOptions['log']): Promise<ServerInfo | null> => {
  const record = readRecord(home);
  if (record === null) return null;
  const deadline = Date.now() + SILENCE_MS;
  for (let told = false; ; told = true) {
    const seen = await probe(record);
    if (seen === 'gone') return null;
    if (seen === 'answers') return infoOf(await makeReady(home, record), false);
    if (Date.now() > deadline) throw notOurs(home, record);
    if (!told) log(silentNote(record));
    await sleep(100);
  }
};

const endProcess = async (pid: number, start: string | null): Promise<void> => {
  signalIfLive(pid, 'SIGTERM');
  for (const deadline = Date.now() + STOP_MS; isLiveProcess(pid, start); await sleep(20)) {
    if (Date.now() > deadline) signalIfLive(pid, 'SIGKILL');
  }
};

const signalIfLive = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const infoOf = (
  { ports, uiAddress, pid, startedAt, clusterId }: ServerRecord,
  started: boolean,
): ServerInfo => ({
  clusterId,
  address: `${LOOPBACK}:${ports.grpc}`,
  uiUrl: `http://${uiAddress}:${ports.ui}`,
  pid: pid ?? 0,
  startedAt,
  started,
});

/** A process that may be the server of this home lives, and has not answered for {@link SILENCE_MS}. */
export class SilentServerError extends Error {
  override readonly name = 'SilentServerError';
}

const notOurs = (home: string, { pid, ports }: ServerRecord): Error =>
  new SilentServerError(
    `${recordPath(home)} names process ${pid} as the Temporal server, which is alive but does not answer as ` +
      `Temporal on ${LOOPBACK}:${ports.grpc}. If it is "temporal server start-dev", end it; ` +
      'otherwise delete that file. Then try again.',
  );
