/** What a tired person should do now. */
import type { BatchState, FailureType, Pause, PauseReason } from '../../contract.ts';

export interface NextStep {
  advice: string;
  /** Exactly what to type, where there is something to type. */
  command: string | null;
}

const pauseAdvice: Record<PauseReason, string> = {
  operator: 'Somebody paused it; prompts in progress were finished. To go on:',
  account:
    'The provider refuses the account, the key or the model. No prompt failed. Put that right (credit, key, model name, permissions), then type:',
  budget: 'The cost limit is reached. If more may be spent, type:',
  failures: 'Prompts keep failing with one and the same message. Put its cause right, then type:',
  provider:
    'The provider was down or limited the rate for too long. No prompt failed. When it answers again (against a rate limit, fewer --max-workers help), type:',
  storage:
    'Answers could not be written to the output folder, so nothing more is bought. Make room or put the folder right, then type:',
};

const stateSteps: Record<Exclude<BatchState, 'paused'>, (batchId: string) => NextStep> = {
  running: (id) => ({ advice: 'Nothing to do. To look on:', command: `durabatch watch ${id}` }),
  cancelling: (id) => ({
    advice: 'It ends by itself when the prompts in progress are done. To end it at once:',
    command: `durabatch cancel ${id} --now`,
  }),
  succeeded: () => ({
    advice: 'Nothing to do: every prompt has its completions.',
    command: null,
  }),
  partly_failed: () => ({
    advice:
      'The failed prompts are in the results, with their errors. Put the causes right, then run a file of those prompts.',
    command: null,
  }),
  cancelled: (id) => ({
    advice: 'Every answer that came back is in the results. To run the rest:',
    command: `durabatch resume ${id}`,
  }),
  crashed: (id) => ({
    advice: 'Every answer that came back is kept and is not bought again. To go on:',
    command: `durabatch resume ${id}`,
  }),
};

export function nextStep(state: BatchState, pause: Pause | null, batchId: string): NextStep {
  if (state !== 'paused') return stateSteps[state](batchId);
  return {
    advice: pauseAdvice[pause?.reason ?? 'operator'],
    command: `durabatch resume ${batchId}`,
  };
}

const failureSteps: Record<FailureType, string> = {
  'Completion.Fault':
    'the provider kept failing or not answering; try later, or with a higher --max-attempts or --request-timeout',
  'Completion.Unavailable':
    'the provider was down or limited the rate; try later, or with fewer --max-workers or a longer --patience',
  'Completion.Rejected': 'the provider refuses these prompts as they are; read its message and change them',
  'Completion.AccountBlocked':
    'the provider refuses the account, the key or the model; check credit, key and model name',
  'Completion.Empty':
    'the answer had no text; raise --max-tokens, leave --thinking off, or change the prompt',
  'Completion.WorkerLost':
    'the worker died each time it worked on these; look at its log, and whether its memory is enough',
};

export const failureStep = (type: FailureType): string => failureSteps[type];
