import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerOptions } from './embedded-server.ts';
import { readServerHelp } from './binary.ts';
import { processStart } from '../system/live-process.ts';
import { acceptsConnections, choosePlace, isPortFree, LOOPBACK } from './ports.ts';
import { databasePath, logPath, logTail, spawnServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';
import { readRecord, writeRecord } from './server-record.ts';
import type { ServerPlace, ServerRecord } from './server-record.ts';
import { prepareNamespace } from './temporal-probe.ts';
import { refusesWebPages } from './web-page-check.ts';
import { commandLine } from '../core/command-line.ts';
import { asTyped } from '../system/typed-command.ts';

const READY_MS = 60_000;
const END_MS = 200;
/** Somebody's doing (a person, the system out of memory), not the server's. */
const KILLED = 'ended by SIGKILL';
const NO_NEWS = '--ui-disable-news-fetch';

/** Starts a server that outlives this process and waits until it is ready. Needs the home's lock. */
export const startServer = async (
  binary: string,
  { home, env, log }: ServerOptions,
): Promise<ServerRecord> => {
  // The Web UI's news come from the internet. Older binaries do not know the flag.
  const quiet = (await readServerHelp(binary, env)).includes(NO_NEWS) ? [NO_NEWS] : [];
  for (let attempt = 1; ; attempt++) {
    const place = await choosePlace(readRecord(home));
    const server = spawnServer(binary, home, place, env, quiet);
    const record: ServerRecord = {
      pid: server.pid,
      processStart: processStart(server.pid),
      clusterId: null,
      ...place,
      startedAt: new Date().toISOString(),
    };
    if (server.pid !== 0) writeRecord(home, record);
    try {
      await awaitPorts(binary, home, server, place);
      const ready = await makeReady(home, record);
      server.release();
      return ready;
    } catch (error) {
      const end = await endOf(server);
      const lostPort = end !== undefined && !(await allFree(place));
      server.kill();
      writeRecord(home, { ...record, pid: null, processStart: null });
      if (end === undefined) throw error;
      if (attempt === 3 || isDamaged(home)) throw startFailure(home, `${binary} ${end}`);
      log(`${whyAgain(end, lostPort)}; trying again.`);
    }
  }
};

/** How the server has ended, if it has: what asked it in vain may know before the system tells. */
const endOf = async (server: ServerProcess): Promise<string | undefined> => {
  if (server.end() === undefined) await sleep(END_MS);
  return server.end();
};

/** Besides the ports it is told, it picks some of its own at random, and another program may be quicker. */
const whyAgain = (end: string, lostPort: boolean): string => {
  if (end === KILLED) return 'The Temporal server was killed while it started';
  if (lostPort) return 'A port of the Temporal server was taken by another program meanwhile';
  return `The Temporal server ended while it started (${end})`;
};

const awaitPorts = async (
  binary: string,
  home: string,
  server: ServerProcess,
  { ports, uiAddress }: ServerPlace,
): Promise<void> => {
  const deadline = Date.now() + READY_MS;
  while (!(await acceptsConnections(ports.grpc)) || !(await acceptsConnections(ports.ui, uiAddress))) {
    const end = server.end();
    if (end !== undefined) throw startFailure(home, `${binary} ${end}`);
    if (Date.now() > deadline) {
      throw startFailure(
        home,
        `${binary} did not open its ports on ${LOOPBACK} and ${uiAddress} within ${READY_MS / 1000} s`,
      );
    }
    await sleep(20);
  }
};

/** Completes the record of a server that answers, and sets what its namespace needs. Does nothing the second time. */
export const makeReady = async (home: string, record: ServerRecord): Promise<ServerRecord> => {
  if (record.clusterId !== null) return record;
  const ready = { ...record, clusterId: await prepareNamespace(record.ports.grpc, READY_MS) };
  if (!(await refusesWebPages(record.ports.http)))
    throw new Error(
      'This Temporal server takes commands from any web page, so it is not used. Install a newer Temporal CLI ' +
        '(https://docs.temporal.io/cli), or remove the one on the PATH: durabatch then fetches its own.',
    );
  writeRecord(home, ready);
  return ready;
};

const allFree = async ({ ports: { ui, ...others }, uiAddress }: ServerPlace): Promise<boolean> => {
  const ofOthers = Object.values(others).map((port) => isPortFree(port));
  return (await Promise.all([isPortFree(ui, uiAddress), ...ofOthers])).every(Boolean);
};

/** Trying again does not mend a database. */
const isDamaged = (home: string): boolean =>
  /not a database|malformed|SQLITE_CORRUPT|disk image/i.test(logTail(home));

const startFailure = (home: string, what: string): Error => {
  const tail = logTail(home);
  const database = databasePath(home);
  const advice = isDamaged(home)
    ? `The database is damaged: move ${database} (and ${database}-wal, ${database}-shm, if they exist) away and ` +
      `try again. No answers are lost: they are in the output folders, and "${asTyped(commandLine`durabatch resume`)}" picks them up.`
    : 'Mend what the log says and try again.';
  return new Error(
    `The Temporal server did not start: ${what}. ${advice}\n${logPath(home)} ends with:\n${tail}`,
  );
};
