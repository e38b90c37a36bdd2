/** What a tired person should do now. */
import type { BatchState, Pause, PauseReason } from './progress.ts';
import type { FailureCounts } from './receipt.ts';
import {
  isBatchId,
  type CommandLine,
  commandLine,
  idWord,
  type ShellWord,
  shellWord,
  shellWords,
} from './command-line.ts';
import { ownValue } from './own-value.ts';

export interface NextStep {
  advice: string;
  /** Exactly what to type, where there is something to type. */
  command: CommandLine | null;
}

const pauseAdvice: Record<PauseReason, string> = {
  operator: 'Prompts in progress finish; no others start. To resume:',
  account:
    'The provider refuses the account, the key or the model; no prompt failed. If the model or the address is wrong, cancel this batch and run a new one; otherwise correct the credit, key or permissions, then type:',
  budget: 'The cost cap is reached. To spend more, type a new cap in US dollars, for example:',
  failures: 'Prompts failed, for the reason given. Correct the cause, or raise --max-failures, then type:',
  provider:
    'The provider was down or limited the rate for too long; no prompt failed. When it answers again (for a rate limit, use fewer --max-workers), type:',
  storage:
    "The batch's folder could not be read or written, so nothing more is bought. Free some space or correct the folder, then type:",
};

const OVERCHARGED =
  'The provider bills more than the prices say. Compare its bill with the report, then set prices (--price-input, --price-output) or continue:';

const stateSteps: Record<Exclude<BatchState, 'paused'>, (id: ShellWord) => NextStep> = {
  running: (id) => ({
    advice: 'Running normally. To follow it:',
    command: commandLine`durabatch watch ${id}`,
  }),
  cancelling: (id) => ({
    advice: 'The batch ends when the prompts in progress are done. To end it at once:',
    command: commandLine`durabatch cancel ${id} --now`,
  }),
  succeeded: () => ({
    advice: 'Done: every prompt has its completions.',
    command: null,
  }),
  partly_failed: (id) => ({
    advice: 'The failed prompts are in the results, with their errors. To run only those again:',
    command: commandLine`durabatch retry ${id}`,
  }),
  cancelled: (id) => ({
    advice: 'Every answer that came back is in the results. To run the rest:',
    command: commandLine`durabatch resume ${id}`,
  }),
  waiting: (id) => ({
    advice: 'No worker has started it yet. Start `durabatch worker` for its folder, or run it here:',
    command: commandLine`durabatch resume ${id}`,
  }),
  stopped: (id) => ({
    advice: 'Every answer that came back is kept. To continue:',
    command: commandLine`durabatch resume ${id}`,
  }),
  crashed: (id) => ({
    advice: 'Every answer that came back is kept and is not bought again. To continue:',
    command: commandLine`durabatch resume ${id}`,
  }),
};

/** What failed in a finished batch. */
export interface FailedPrompts {
  failuresByType: FailureCounts | undefined;
  /** The prompts that failed, as a file to run; `null` where it is not known. */
  failuresFile: string | null | undefined;
  /** Flags of `run` for the settings of this batch. */
  runFlags?: readonly ShellWord[];
}

/** Asked again as they are, such prompts are refused again. */
const isRejectedThroughout = (counts: FailureCounts = {}): boolean => {
  const types = Object.keys(counts);
  return types.length > 0 && types.every((type) => type === 'Completion.Rejected');
};

/** `maxCostNanoUsd`: the cost cap, where it is known. */
export function nextStep(
  state: BatchState,
  pause: Pause | null,
  batchId: string,
  maxCostNanoUsd: number | null = null,
  failed: FailedPrompts | null = null,
): NextStep {
  const id = idWord(batchId);
  if (state === 'partly_failed' && failed?.failuresFile && isRejectedThroughout(failed.failuresByType)) {
    const file = shellWord(failed.failuresFile, '<failures file>');
    return {
      advice:
        'The provider refused every failed prompt, and would refuse it again unchanged. Change the prompts in the failures file, then run that file:',
      command: commandLine`durabatch run ${shellWords([file, ...(failed.runFlags ?? [])])}`,
    };
  }
  if (state !== 'succeeded' && !isBatchId(batchId))
    return { advice: 'Its id is not one of a batch, so no command takes it.', command: null };
  // What a folder or a server tells may be of another version.
  if (state !== 'paused')
    return (
      ownValue(stateSteps, state)?.(id) ?? { advice: 'This version does not know its state.', command: null }
    );
  if (pause?.overcharged) return { advice: OVERCHARGED, command: commandLine`durabatch resume ${id}` };
  const advice =
    ownValue(pauseAdvice, pause?.reason ?? 'operator') ??
    'This version does not know why it is paused. To continue:';
  if (pause?.reason !== 'budget') return { advice, command: commandLine`durabatch resume ${id}` };
  const cap = higherCap(maxCostNanoUsd, pause.neededNanoUsd);
  return { advice, command: commandLine`durabatch resume ${id} --max-cost ${cap}` };
}

/** Twice as much, in US dollars: an example that nobody regrets having pasted, and that the next prompt fits into. */
const higherCap = (maxCostNanoUsd: number | null, neededNanoUsd = 0): ShellWord => {
  if (maxCostNanoUsd === null) return shellWord('USD', 'USD');
  const cap = (Math.max(2 * maxCostNanoUsd, 2 * neededNanoUsd) / 1e9).toFixed(9);
  return shellWord(cap.replace(/\.?0+$/, ''), 'USD');
};
