import type { BatchStore } from '../batch-store.ts';
import { WorkerPulse } from './worker-pulse.ts';
import { type Peer, WorkerWatch } from './worker-watch.ts';
import { toFileName } from '../../system/worker-identity.ts';

/** Six signs of life a lapse: one that fails, or comes late, is no death. */
const BEAT_MS = 5000;
/** A killed process of this machine is noticed within this time. */
const LOOK_MS = 2000;

/** What the activities ask of it. */
export interface Liveness {
  /** When this process's present life began, by `performance.now()`: a look at the ledger must be younger. */
  readonly aliveSince: number;
  /** Whether another process that may be alive works on the batch. */
  readonly hasPeers: boolean;
  /** Answers the number of this process's present life, after a sign of life where one is overdue. Throws what the file system throws. */
  assure(): Promise<number>;
  /** Whether nobody can have taken this process for dead since {@link assure} answered this number. */
  holds(life: number): boolean;
  /** Whether another process may still be at work. */
  isAlive(identity: string): boolean;
}

export interface LivenessOptions {
  store: BatchStore;
  /** Identity of this process. */
  worker: string;
  /**
   * Called when other workers of the batch are found dead, with a judgement of identities. It is called again where it
   * rejects: the Temporal server may be away.
   */
  onDead(isDead: (identity: string) => boolean): Promise<void>;
}

/** Keeps this process's liveness record of one batch, and watches those of the others. */
export class WorkerLiveness implements Liveness {
  readonly #options: LivenessOptions;
  readonly #pulse: WorkerPulse;
  readonly #watch: WorkerWatch;
  readonly #owner: string;
  /** Records of the dead whose activities were given back. */
  readonly #swept = new Set<string>();
  #timers: NodeJS.Timeout[] = [];
  #looking: Promise<void> | null = null;
  #sweeping: Promise<void> | null = null;
  #hasLooked = false;
  #isTidy = false;

  constructor(options: LivenessOptions) {
    const { store, worker } = options;
    this.#options = options;
    this.#owner = toFileName(worker);
    const batchFolder = store.folder;
    const run = async (): Promise<number | null> => (await store.manifest()).runs.at(-1)?.run ?? null;
    this.#pulse = new WorkerPulse({ batchFolder, owner: this.#owner, worker, run });
    this.#watch = new WorkerWatch({ batchFolder });
  }

  get aliveSince(): number {
    return this.#pulse.aliveSince;
  }

  get hasPeers(): boolean {
    return !this.#hasLooked || this.#others().some(({ isAlive }) => isAlive);
  }

  assure(): Promise<number> {
    return this.#pulse.assure();
  }

  holds(life: number): boolean {
    return this.#pulse.holds(life);
  }

  isAlive(identity: string): boolean {
    return this.#watch.isAlive(identity);
  }

  /** From now on others see that it lives. */
  start(): void {
    const every = (ms: number, work: () => Promise<void>): void => {
      const attempt = (): void => {
        // The store or the server is away for now. What cannot be renewed in time is noticed before anything is sent.
        work().catch(() => {});
      };
      const timer = setInterval(attempt, ms);
      timer.unref();
      this.#timers.push(timer);
      attempt();
    };
    every(BEAT_MS, () => this.#beat());
    every(LOOK_MS, () => (this.#looking ??= this.#look().finally(() => (this.#looking = null))));
  }

  /** Gives no more signs of life. */
  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Stops, and says in the record that this process has nothing under way. Throws what the file system throws. */
  async leave(): Promise<void> {
    this.stop();
    await this.#pulse.leave();
  }

  async #beat(): Promise<void> {
    await this.#pulse.renew();
    // Other machines that share a network file system must see a start by the time they would buy its request again.
    await this.#options.store.syncStarts();
  }

  async #look(): Promise<void> {
    await this.#watch.look();
    this.#hasLooked = true;
    // The server may be unavailable: no one waits for it before the next look.
    if (this.#sweeping) return;
    this.#sweeping = this.#sweep()
      .catch(() => {
        // the next look begins anew
      })
      .finally(() => (this.#sweeping = null));
  }

  async #sweep(): Promise<void> {
    const others = this.#others();
    for (const { record, isAlive } of others) if (isAlive) this.#swept.delete(record);
    const dead = others.filter(
      ({ record, isAlive, hasLeft }) => !isAlive && !hasLeft && !this.#swept.has(record),
    );
    if (dead.length > 0) {
      await this.#options.onDead((identity) => !this.#watch.isAlive(identity));
      for (const { record } of dead) this.#swept.add(record);
    }
    if (this.#isTidy) return;
    await this.#watch.clearAway();
    this.#isTidy = true;
  }

  #others(): Peer[] {
    return this.#watch.peers().filter(({ record }) => !record.startsWith(`${this.#owner}-`));
  }
}
