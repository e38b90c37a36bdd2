/** Which blow falls when: drawn before anything runs. */
import { type Damage, damages } from './ledger-damage.ts';
import type { Random } from './random.ts';

/** `worker`: the command, or one of two workers. `all`: every process of the batch, the server included. */
export type Victim = 'worker' | 'server' | 'all';

export interface Blow {
  /** `stop`: frozen for longer than the heartbeat timeout, then let go on. No kill. */
  kind: 'kill' | 'stop';
  victim: Victim;
  /** Which worker, where there are two. */
  which: number;
  /** At so many answers given, and a moment later; or a moment after the last start, whatever was done by then. */
  when: { answered: number | null; delayMs: number };
  losesDatabase: boolean;
  damage: Damage | null;
  /** Until a person starts again what is gone. */
  pauseMs: number;
  /** How a person goes on. */
  again: 'run' | 'resume';
}

export interface ScheduleOptions {
  kills: number;
  stops: number;
  /** 1: the command with its own worker. 2: two `durabatch worker` processes. */
  workers: 1 | 2;
  /** Answers the whole batch takes. */
  answers: number;
}

/** Share of blows that fall right after a start, while processes find each other. */
const SOON = 0.2;
const SOON_MS = 2500;

export function drawSchedule({ kills, stops, workers, answers }: ScheduleOptions, random: Random): Blow[] {
  const count = kills + stops;
  const isStop = shuffled(
    [...Array<boolean>(kills).fill(false), ...Array<boolean>(stops).fill(true)],
    random,
  );
  return isStop.map((stop, position) => {
    const victim: Victim = stop ? 'worker' : random.weighted({ worker: 45, server: 25, all: 30 });
    const losesDatabase = victim !== 'worker' && random.chance(0.1);
    const soon = position > 0 && random.chance(SOON);
    const share = (position + random.next()) / count;
    return {
      kind: stop ? 'stop' : 'kill',
      victim,
      which: random.index(workers),
      when: soon
        ? { answered: null, delayMs: random.between(0, SOON_MS) }
        : { answered: Math.floor(share * answers * 0.97), delayMs: random.between(0, 100) },
      losesDatabase,
      damage: victim === 'all' && random.chance(0.5) ? random.pick(damages) : null,
      pauseMs: random.between(0, 1000),
      again: random.pick(['run', 'resume']),
    };
  });
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const rest = [...values];
  const result: T[] = [];
  while (rest.length > 0) result.push(...rest.splice(random.index(rest.length), 1));
  return result;
}

export const nameOf = ({ kind, victim, losesDatabase }: Blow): string =>
  `${kind} ${victim}${losesDatabase ? ', database lost' : ''}`;
