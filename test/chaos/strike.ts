import { appendFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LAPSE_MS } from '../../src/core/lapse.ts';
import { BATCH_ID } from './crew.ts';
import type { Field } from './field.ts';
import { damageLedger } from './ledger-damage.ts';
import { gone, liveServer, signal } from './processes.ts';
import type { Random } from './random.ts';
import { type Blow, nameOf } from './schedule.ts';

/** Longer than the lapse after which a worker counts as dead. */
const STOP_MS = LAPSE_MS + 3000;
const POLL_MS = 20;

/** Lets the blow fall, and has started again what a person would when it resolves. */
export const strike = (field: Field, blow: Blow, random: Random): Promise<void> =>
  blow.kind === 'stop' ? freeze(field, blow) : kill(field, blow, random);

async function freeze(field: Field, blow: Blow): Promise<void> {
  const { crew, stops } = field;
  const pid = crew.pids[blow.which % Math.max(1, crew.pids.length)];
  if (pid === undefined) return;
  note(field, nameOf(blow));
  const stop = { from: Date.now(), to: Number.POSITIVE_INFINITY };
  stops.push(stop);
  signal(pid, 'SIGSTOP');
  await sleep(STOP_MS);
  stop.to = Date.now();
  signal(pid, 'SIGCONT');
}

async function kill(field: Field, blow: Blow, random: Random): Promise<void> {
  const { crew, home, outputDir, kills, options } = field;
  const { victim, losesDatabase, damage } = blow;
  // A command that gave up is about to be started again.
  if (victim !== 'server') while (crew.pids.length === 0 && !crew.isOver) await sleep(POLL_MS);
  const server = victim === 'worker' ? null : await liveServer(home);
  note(field, nameOf(blow));
  kills.push({ at: Date.now(), worker: victim !== 'server' });
  const dead = victim === 'server' ? null : crew.kill(victim === 'worker' ? blow.which : undefined);
  if (server !== null) signal(server, 'SIGKILL');
  await dead;
  if (server !== null) await gone(server);
  if (losesDatabase) {
    crew.excuse();
    await loseDatabase(home);
  }
  if (damage !== null) {
    const done = await damageLedger(join(outputDir, BATCH_ID), damage, random);
    if (done !== null) note(field, `ledger: ${done}`);
  }
  await sleep(blow.pauseMs);
  // A server that died alone is for the living to start again; a batch that died with its database is for a person.
  if (victim !== 'server' || (losesDatabase && options.workers === 2)) {
    await crew.start(blow.again, losesDatabase);
  }
}

async function loseDatabase(home: string): Promise<void> {
  const names = (await readdir(home)).filter((name) => name.startsWith('temporal.db'));
  for (const name of names) await rm(join(home, name), { force: true });
}

const note = ({ folder, kills, provider }: Field, line: string): void =>
  appendFileSync(
    join(folder, 'blows.log'),
    `${new Date().toISOString()} after ${kills.length} kills: ${line} (${provider.answered.requests} answered, ${provider.inFlight} in flight)\n`,
  );
