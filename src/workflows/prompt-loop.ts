import { CancellationScope, condition } from '@temporalio/workflow';
import { GRACE_SUMMARY } from './policies.ts';
import type { OpenPrompt as StoredPrompt, PromptTask } from '../core/prompt-task.ts';

/** A prompt that is not settled. `turn` counts how often this run has taken it up, from 1. */
export type OpenPrompt = StoredPrompt & Pick<PromptTask, 'shard' | 'turn' | 'since'>;

/** What to put back: it is taken up again before those that never had a turn. */
export type TurnEnd = 'settled' | { putBack: OpenPrompt };

/** Why a loop has ended: there is nothing left to do, or somebody has stopped it. */
export type RunEnd = 'done' | 'stopped';

export interface PromptLoopOptions {
  /** How many prompts may be in progress now. If more are, they finish and no new one starts. */
  slots(): number;
  /** Whether there is room for this prompt now. The queue keeps its order: nobody overtakes. */
  hasRoom(prompt: OpenPrompt): boolean;
  /** Nothing is in progress that could make room for the next prompt. */
  noRoom(prompt: OpenPrompt): Promise<void>;
  /** Sees one prompt to its end. What it throws is a bug, and ends the loop. */
  takeUp(prompt: OpenPrompt): Promise<TurnEnd>;
}

export interface PromptLoop {
  /** Prompts in progress, those that wait to be retried included. */
  readonly running: number;
  /** Prompts that wait for their turn, in order. */
  readonly queue: readonly OpenPrompt[];
  /** The next prompt, where a slot is there for it and only room is not. */
  readonly waitsForRoom: OpenPrompt | null;
  add(prompts: readonly OpenPrompt[]): void;
  /** Resolves when every prompt is settled, or as soon as `stopped` says so, with some perhaps still in progress. */
  run(stopped: () => boolean): Promise<RunEnd>;
  /** Resolves when nothing is in progress; what still is when it is `over`, or at the end of `grace`, is cancelled. */
  drain(over: () => boolean, grace?: string): Promise<void>;
}

/** Keeps as many prompts of its queue in progress as there are slots. */
export function createPromptLoop({ slots, hasRoom, noRoom, takeUp }: PromptLoopOptions): PromptLoop {
  const queue: OpenPrompt[] = [];
  // The workflow's own cancel does not reach prompts in progress: `drain` decides when theirs comes.
  const shield = new CancellationScope({ cancellable: false });
  const inProgress = new CancellationScope({ cancellable: true, parent: shield });
  let running = 0;
  let bug: { error: unknown } | null = null;

  const ended = (prompt: OpenPrompt, end: TurnEnd): void => {
    if (end !== 'settled') queue.unshift({ ...end.putBack, turn: prompt.turn + 1 });
    running--;
  };
  const failed = (error: unknown): void => {
    bug ??= { error };
    running--;
  };
  // Not an async function: the SDK keeps track of every promise of a workflow, its stack included.
  const start = (prompt: OpenPrompt): void => {
    running++;
    takeUp(prompt).then((end) => ended(prompt, end), failed);
  };
  const hasSlot = (): boolean => queue.length > 0 && running < slots();
  const mayStart = (): boolean => hasSlot() && hasRoom(queue[0]!);
  const isStuck = (): boolean => hasSlot() && running === 0 && !hasRoom(queue[0]!);
  const until = async (reached: () => boolean): Promise<void> => {
    await condition(() => reached() || bug !== null);
    if (bug) throw bug.error;
  };

  return {
    get running() {
      return running;
    },
    queue,
    get waitsForRoom() {
      return hasSlot() && !hasRoom(queue[0]!) ? queue[0]! : null;
    },
    add: (prompts) => void queue.push(...prompts),
    // In one scope for all: one for each prompt would cost a handful of promises more each.
    run: (stopped) =>
      inProgress.run(async () => {
        const isDone = (): boolean => queue.length === 0 && running === 0;
        for (;;) {
          if (stopped()) return 'stopped';
          if (isDone()) return 'done';
          while (mayStart()) start(queue.shift()!);
          if (isStuck()) await noRoom(queue[0]!);
          await until(() => mayStart() || stopped() || isDone() || isStuck());
        }
      }),
    drain: async (over, grace) => {
      const settled = (): boolean => running === 0 || over();
      await (grace === undefined
        ? condition(settled)
        : condition(settled, grace, { summary: GRACE_SUMMARY }));
      inProgress.cancel();
      await until(() => running === 0);
    },
  };
}
