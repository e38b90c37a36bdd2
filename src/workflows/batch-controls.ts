/** The updates by which operators control an open batch: pause, resume, set, add, and a cancel without grace. */
import {
  ActivityFailure,
  CancellationScope,
  currentUpdateInfo,
  log,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import type { Addition, BatchLayout } from '../core/batch-layout.ts';
import { type Refusal, refusals } from '../core/failure-types.ts';
import { faultOf, isAddition } from '../core/limit-changes.ts';
import type { ControlNote, Progress, Requester } from '../core/progress.ts';
import type { LimitChanges } from '../core/settings.ts';
import type { BatchState } from './batch-state.ts';
import { addUpdate, cancelNowUpdate, pauseUpdate, resumeUpdate, setUpdate } from './messages.ts';
import { pauseText } from './pause-cause.ts';
import type { PauseSwitch } from './pause-switch.ts';
import { storePolicy } from './policies.ts';
import { requesterFault } from './requester-fault.ts';
import type { StoreNotes } from './store-notes.ts';

const { admitPrompts, recordLimits } = proxyActivities<Activities>(storePolicy);

export interface ControlledBatch {
  batchId: string;
  state: BatchState;
  pauseSwitch: PauseSwitch;
  notes: StoreNotes;
  progress(): Progress;
  /** Something has changed that the Web UI shows. */
  onTransition(): void;
  /** The limit of failures has changed. */
  onFailureLimit(): Promise<void>;
  /** There are more shards from now on, those from `firstShard` on. */
  onGrowth(layout: BatchLayout, firstShard: number): void;
}

/** Sets the handlers of the updates. A validator throws before anything is written to the history. */
export function handleControls({
  batchId,
  state,
  pauseSwitch,
  notes,
  progress,
  onTransition,
  onFailureLimit,
  onGrowth,
}: ControlledBatch): void {
  setHandler(pauseUpdate, pause, { validator: assertUnpaused });
  setHandler(resumeUpdate, resume, { validator: assertPaused });
  setHandler(setUpdate, setLimits, { validator: assertSettable });
  setHandler(addUpdate, add, { validator: assertTakesPrompts });
  setHandler(cancelNowUpdate, skipGrace);

  async function pause(requester: Requester | null): Promise<Progress> {
    const cause = { reason: 'operator' as const, message: requester?.reason ?? 'no reason given' };
    await pauseSwitch.pause(
      { ...cause, ...(requester && { by: requester.by }) },
      controlNote('pause', requester),
    );
    return progress();
  }

  async function resume(requester: Requester | null): Promise<Progress> {
    state.forgiven = state.tally.failed;
    await pauseSwitch.lift(controlNote('resume', requester));
    return progress();
  }

  async function setLimits(changes: LimitChanges, requester?: Requester): Promise<Progress> {
    state.limits = { ...state.limits, ...changes };
    const control: ControlNote = { ...controlNote('set', requester), changes };
    await notes.add((earlier) => noteLimits(earlier, changes, control));
    if ('maxCostNanoUsd' in changes && pauseSwitch.current?.reason === 'budget') await pauseSwitch.lift();
    else onTransition();
    if ('maxFailures' in changes) await onFailureLimit();
    return progress();
  }

  /** The new limits hold even if this fails; only the next run would not know of them. */
  async function noteLimits(
    earlier: Promise<unknown> | null,
    changes: LimitChanges,
    control: ControlNote,
  ): Promise<void> {
    if (earlier) await earlier;
    try {
      await CancellationScope.nonCancellable(() => recordLimits({ batchId, changes, control }));
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      log.warn('limits could not be noted beside the batch', { error });
    }
  }

  async function add(addition: Addition, requester: Requester | null): Promise<Progress> {
    state.adding++;
    try {
      const control = controlNote('add', requester);
      const admitted = await notes.add((earlier) => admit(earlier, addition, control));
      const { shards: firstShard } = state.layout;
      if (admitted.shards > firstShard) {
        state.layout = admitted;
        state.tally = { ...state.tally, total: admitted.prompts };
        onGrowth(admitted, firstShard);
        state.additions++;
        onTransition();
      }
      return progress();
    } finally {
      state.adding--;
    }
  }

  async function admit(
    earlier: Promise<unknown> | null,
    addition: Addition,
    control: ControlNote,
  ): Promise<BatchLayout> {
    await earlier;
    try {
      return await CancellationScope.nonCancellable(() => admitPrompts({ batchId, addition, control }));
    } catch (error) {
      // The client gets the cause, not the failure of an activity.
      throw error instanceof ActivityFailure && error.cause ? error.cause : error;
    }
  }

  function skipGrace(): Progress {
    state.skipsGrace = true;
    return progress();
  }

  function assertOpen(requester: Requester | null | undefined): void {
    if (state.end) throw refused(refusals.ended, `the batch has ended: ${state.end.state}`);
    if (state.isCancelled) throw refused(refusals.cancelling, 'the batch is being cancelled');
    const fault = requesterFault(requester);
    if (fault !== null) throw refused(refusals.invalid, fault);
  }

  /** Its report is being written, unless the store has paused that. */
  function assertNotEnding(): void {
    if (state.isClosing && !pauseSwitch.current) throw ending();
  }

  function assertUnpaused(requester: Requester | null): void {
    assertOpen(requester);
    assertNotEnding();
    const { current } = pauseSwitch;
    if (current)
      throw refused(
        refusals.paused,
        `the batch is already paused: ${pauseText(current)}, since ${current.since}`,
      );
  }

  function assertPaused(requester: Requester | null): void {
    assertOpen(requester);
    if (!pauseSwitch.current) throw refused(refusals.notPaused, 'the batch is not paused');
  }

  function assertSettable(changes: LimitChanges, requester?: Requester): void {
    assertOpen(requester);
    assertNotEnding();
    const fault = faultOf(changes);
    if (fault !== null) throw refused(refusals.invalid, fault);
  }

  function assertTakesPrompts(addition: Addition, requester: Requester | null): void {
    assertOpen(requester);
    if (!isAddition(addition))
      throw refused(refusals.invalid, 'what is to be added must be named by its stage and its hash');
    if (state.isClosing) throw ending();
  }
}

const refused = (type: Refusal, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, type);

const ending = (): ApplicationFailure => refused(refusals.ending, 'the batch is just ending');

function controlNote(control: ControlNote['control'], requester: Requester | null | undefined): ControlNote {
  const id = currentUpdateInfo()?.id ?? '';
  const { by = null, reason = null } = requester ?? {};
  return { id, control, at: new Date().toISOString(), by, reason };
}
