import type { FailureType } from '../../core/receipt.ts';
import { idWord } from '../../core/command-line.ts';

/** Stands for the id of the batch. */
const ID = '<id>';

const failureSteps: Record<FailureType, string> = {
  'Completion.Fault':
    'the provider kept failing or not answering; try later, or with a higher --max-attempts or --request-timeout',
  'Completion.Unavailable':
    'the provider was down or limited the rate; try later, or with fewer --max-workers or a longer --patience',
  'Completion.Rejected':
    'the provider refuses these prompts as they are; read its message, change them in the failures file beside the results, and run that file',
  'Completion.AccountBlocked':
    'the provider refuses the account, the key or the model; check credit, key and model name',
  'Completion.Empty':
    'the answer had no text; raise --max-tokens, leave --thinking off, or change the prompt',
  'Completion.Truncated': `the answer was cut off at its token limit; raise --max-tokens, or keep such answers at no cost: type the same run without --reject-truncated, with --new --reuse ${ID}`,
  'Completion.Aborted':
    'the request was aborted, because the batch was cancelled or its worker stopped at once; run these again',
  'Completion.WorkerLost':
    'the worker died each time it worked on these; look at its log, and whether its memory is enough',
};

/** What to do about prompts of a batch that failed so. */
export const failureStep = (type: FailureType, batchId: string): string =>
  failureSteps[type].replaceAll(ID, idWord(batchId));
