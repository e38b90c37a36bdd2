/**
 * The one table of flags: how each is written, what its value may be, and what help says of it. `commands.ts` says which
 * command takes which; the TypeScript API takes those of `run` under the same names.
 */
import * as z from 'zod';
import { batchStates } from '../../core/progress.ts';
import { DEFAULT_CEILING, MAX_WORKERS, providerNames } from '../../core/settings.ts';
import { shortDuration } from '../render/duration-text.ts';
import { baseUrlValue } from './base-url.ts';
import { batchIdValue } from './batch-id.ts';
import {
  accountNameValue,
  ageValue,
  allowedAddressValue,
  durationValue,
  failureLimitValue,
  folderValue,
  integerValue,
  maxWorkersValue,
  priceValue,
  providerValue,
  reasonValue,
  shareValue,
  statesValue,
  tailStartValue,
  temperatureValue,
  textValue,
  topPValue,
  usdValue,
  variableNameValue,
} from './flag-values.ts';
import { DEFAULT_CONCURRENCY, DEFAULT_OUTPUT_DIR, limitDefaults, requestDefaults } from './run-defaults.ts';

export interface Flag<Value extends z.ZodType = z.ZodType> {
  /** As in `--max-workers <n|auto>`. */
  usage: string;
  /** From the text that was typed to the value that is used. */
  value: Value;
  help: string;
  /** What happens without the flag, as help shows it; without this, nothing is shown. */
  otherwise?: string | number;
  /** Heading in help. */
  group?: string;
  /** Whether it may be typed more than once; its value is a list then. */
  repeats?: true;
  /** Whether help leaves it out. */
  hidden?: true;
}

/** Flags by the names of their values: `maxWorkers` for `--max-workers`. */
export type Flags = Readonly<Record<string, Flag>>;

const switchValue = z.boolean().default(false);
/** Of a flag that begins with `--no-`: its name is without that. */
const onValue = z.boolean().default(true);

const inGroup = <F extends Flags>(group: string, flags: F): F =>
  Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, { ...flag, group }])) as F;

/** Flags of a batch that exists: what is left out stays as it was. */
const asBefore = <F extends Flags>(flags: F): F =>
  Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [name, { ...flag, otherwise: 'as before' }]),
  ) as F;

/** Leaves flags out of help, but for these. */
export const showingOnly = <F extends Flags>(shown: readonly (keyof F & string)[], flags: F): F =>
  Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      shown.includes(name) ? flag : { ...flag, hidden: true },
    ]),
  ) as F;

const provider = {
  usage: '--provider <name>',
  value: providerValue.default(requestDefaults.provider),
  help: providerNames.join(', '),
  otherwise: requestDefaults.provider,
};
const model = {
  usage: '--model <name>',
  value: textValue.optional(),
  help: 'model to use',
  otherwise: "the provider's",
};
const baseUrl = {
  usage: '--base-url <url>',
  value: baseUrlValue.optional(),
  help: 'address of the API up to its version',
  otherwise: "the provider's",
};
const apiKeyEnv = {
  usage: '--api-key-env <name>',
  value: variableNameValue.optional(),
  help: 'environment variable that holds the API key',
  otherwise: "the provider's, as DEEPSEEK_API_KEY",
};
const outputDir = {
  usage: '--output-dir <folder>',
  value: folderValue.optional(),
  help: 'where results go',
  otherwise: DEFAULT_OUTPUT_DIR,
};
const detach = {
  usage: '--detach',
  value: switchValue,
  help: 'start the batch and exit; a "durabatch worker" does the work',
};
const priceUpdate = {
  usage: '--no-price-update',
  value: onValue,
  help: "do not fetch the day's prices",
  otherwise: 'fetch them once a day, in the background',
};
const json = { usage: '--json', value: switchValue, help: 'print JSON Lines only, for programs' };

const requestFlags = inGroup('Request (other values make another batch):', {
  provider,
  model,
  baseUrl,
  completions: {
    usage: '--completions <n>',
    value: integerValue(1).default(requestDefaults.completions),
    help: 'completions per prompt',
    otherwise: requestDefaults.completions,
  },
  temperature: {
    usage: '--temperature <x>',
    value: temperatureValue.default(requestDefaults.temperature),
    help: '0 to 2',
    otherwise: requestDefaults.temperature,
  },
  topP: {
    usage: '--top-p <x>',
    value: topPValue.default(requestDefaults.topP),
    help: 'above 0, up to 1',
    otherwise: requestDefaults.topP,
  },
  maxTokens: {
    usage: '--max-tokens <n>',
    value: integerValue(1).default(requestDefaults.maxTokens),
    help: 'maximum length of a completion, in tokens',
    otherwise: requestDefaults.maxTokens,
  },
  thinking: {
    usage: '--thinking',
    value: z.boolean().default(requestDefaults.thinking),
    help: 'enable reasoning on models that support it; billed as output, and limited by --max-tokens',
    otherwise: 'off',
  },
});

const maxWorkers = {
  usage: '--max-workers <n|auto>',
  value: maxWorkersValue.optional(),
  help: `prompts in progress at once, 1 to ${MAX_WORKERS}; "auto": as many as the provider takes, at most ${DEFAULT_CEILING} or N in "auto:N"`,
  otherwise: limitDefaults.maxWorkers,
};

/** What an account with the provider allows, over all batches that name it. */
const accountFlags = {
  rpm: {
    usage: '--rpm <n>',
    value: integerValue(1).optional(),
    help: 'requests per minute that the account allows, shared by all batches and workers that use it',
    otherwise: 'no limit',
  },
  tpm: {
    usage: '--tpm <n>',
    value: integerValue(1).optional(),
    help: 'tokens per minute that the account allows, input and output together',
    otherwise: 'no limit',
  },
  account: {
    usage: '--account <name>',
    value: accountNameValue.optional(),
    help: 'account that --rpm and --tpm belong to; batches that name the same account share them fairly',
    otherwise: 'key variable @ host, as DEEPSEEK_API_KEY@api.deepseek.com',
  },
};

const patience = {
  usage: '--patience <time>',
  value: durationValue(0).optional(),
  help: 'maximum wait for a provider that is down or limits the rate; then the batch pauses',
  otherwise: shortDuration(limitDefaults.patienceMs),
};
const maxFailures = {
  usage: '--max-failures <n|p%>',
  value: failureLimitValue.optional(),
  help: 'pause when more prompts than this have failed: a number, or a percentage of all',
  otherwise: 'none',
};
const maxCost = {
  usage: '--max-cost <usd>',
  value: usdValue.optional(),
  help: 'pause before total spend would exceed this',
  otherwise: 'no cap',
};

const paceFlags = inGroup('Pace and patience (may change from run to run):', {
  maxWorkers,
  ...accountFlags,
  maxAttempts: {
    usage: '--max-attempts <n>',
    value: integerValue(1).optional(),
    help: 'tries per prompt before it fails; waiting out a rate limit does not count',
    otherwise: limitDefaults.maxAttempts,
  },
  requestTimeout: {
    usage: '--request-timeout <time>',
    value: durationValue(1).optional(),
    help: 'maximum time for one request, as 500ms, 90s, 10m, 1h; a bare number is seconds',
    otherwise: shortDuration(limitDefaults.requestTimeoutMs),
  },
  idleTimeout: {
    usage: '--idle-timeout <time>',
    value: durationValue(1).optional(),
    help: 'maximum time without a byte from the provider',
    otherwise: shortDuration(limitDefaults.idleTimeoutMs),
  },
  patience,
  maxFailures,
  rejectTruncated: {
    usage: '--reject-truncated',
    value: z.boolean().optional(),
    help: 'treat an answer cut off at --max-tokens as a failure',
    otherwise: 'it is marked truncated',
  },
  retryEmpty: {
    usage: '--retry-empty',
    value: z.boolean().optional(),
    help: 'ask again when an answer has no text',
    otherwise: 'its prompt fails',
  },
  apiKeyEnv,
});

const moneyFlags = inGroup('Money (US dollars):', {
  maxCost,
  priceInput: {
    usage: '--price-input <usd>',
    value: priceValue.optional(),
    help: "price per million input tokens, instead of the table's",
    otherwise: 'the table',
  },
  priceOutput: {
    usage: '--price-output <usd>',
    value: priceValue.optional(),
    help: 'price per million output tokens; goes with --price-input',
    otherwise: 'the table',
  },
});

const cachedPriceFlag = inGroup('Money (US dollars):', {
  priceCached: {
    usage: '--price-cached <usd>',
    value: priceValue.optional(),
    help: 'price per million cached input tokens',
    otherwise: '--price-input',
  },
});

const simulationFlags = inGroup('Simulated provider:', {
  simulateLatency: {
    usage: '--simulate-latency <time>',
    value: durationValue(0).optional(),
    help: 'mean time per answer',
    otherwise: shortDuration(limitDefaults.simulateLatencyMs),
  },
  simulateErrors: {
    usage: '--simulate-errors <share>',
    value: shareValue.optional(),
    help: 'share of requests that fail, as 0.05 or 5%',
    otherwise: limitDefaults.simulateErrors,
  },
});

/** How a run works through its requests. */
export const limitFlags = { ...paceFlags, ...moneyFlags, ...cachedPriceFlag, ...simulationFlags };

export const runFlags = {
  ...requestFlags,
  ...limitFlags,
  ...inGroup('Batch and output:', {
    outputDir,
    id: {
      usage: '--id <id>',
      value: batchIdValue.optional(),
      help: 'name the batch: 1 to 64 letters, digits, ".", "_", "-"',
      otherwise: 'made from file and settings',
    },
    new: { usage: '--new', value: switchValue, help: 'make another batch with the same file and settings' },
    reuse: {
      usage: '--reuse <id>',
      value: z.array(batchIdValue).default([]),
      help: 'reuse answers of this batch first (with --new or --no-reuse: only of this batch); may be repeated',
      otherwise: 'none',
      repeats: true as const,
    },
    noReuse: {
      usage: '--no-reuse',
      value: switchValue,
      help: 'buy every answer again',
      otherwise: 'answers to identical requests in the output folder are reused',
    },
    reuseSince: {
      usage: '--reuse-since <age>',
      value: ageValue.optional(),
      help: 'reuse only answers no older than this, such as 30d, 12h',
      otherwise: 'any age',
    },
    reuseLonger: {
      usage: '--reuse-longer',
      value: switchValue,
      help: 'also reuse complete answers to a smaller --max-tokens, which biases the samples towards short ones',
      otherwise: 'off',
    },
    detach,
    priceUpdate,
    json,
  }),
};

/** Of every command on a batch that exists. */
export const batchFlags = {
  outputDir: {
    ...outputDir,
    help: 'output folder of the batch, if it is not known here',
    otherwise: `where it was started, else ${DEFAULT_OUTPUT_DIR}`,
  },
  json,
};

export const reasonFlag = {
  reason: {
    usage: '--reason <text>',
    value: reasonValue.nullable().default(null),
    help: 'reason, shown with the batch',
    otherwise: 'none given',
  },
};

const confirmedBaseUrl = {
  ...baseUrl,
  help: 'address of the API, to confirm it for a batch that you have not started yourself',
  otherwise: 'must be confirmed',
};

const rerunFlags = {
  baseUrl: confirmedBaseUrl,
  ...asBefore({ ...paceFlags, ...moneyFlags }),
  ...cachedPriceFlag,
  ...asBefore(simulationFlags),
};

export const retryFlags = { ...batchFlags, ...rerunFlags };

export const resumeFlags = { ...batchFlags, ...reasonFlag, ...rerunFlags };

export const addFlags = {
  ...batchFlags,
  baseUrl: confirmedBaseUrl,
  apiKeyEnv: {
    ...apiKeyEnv,
    help: `${apiKeyEnv.help}, to confirm it likewise`,
    otherwise: 'as before',
  },
  detach: { ...detach, help: 'if this starts a run, leave the work to a "durabatch worker"' },
  ...reasonFlag,
};

export const setFlags = {
  ...batchFlags,
  ...asBefore({
    maxWorkers,
    ...accountFlags,
    maxCost: { ...maxCost, help: 'new cost cap in US dollars; lifts a pause (budget)' },
    maxFailures,
    patience,
  }),
  ...reasonFlag,
};

export const cancelFlags = {
  ...batchFlags,
  now: {
    usage: '--now',
    value: switchValue,
    help: 'do not wait for the prompts in progress',
    otherwise: 'up to 60 s',
  },
};

export const tailFlags = {
  ...batchFlags,
  from: {
    usage: '--from <start|now>',
    value: tailStartValue.optional(),
    help: 'start with the first completion, or with those that arrive from now on',
    otherwise: 'start',
  },
  cursor: {
    usage: '--cursor <cursor>',
    value: textValue.nullable().default(null),
    help: 'continue where an earlier tail stopped, with the cursor it printed',
    otherwise: 'none',
  },
  follow: {
    usage: '--no-follow',
    value: onValue,
    help: 'stop after the completions that are there now',
    otherwise: 'follow until the batch ends',
  },
};

export const reportFlags = {
  ...batchFlags,
  to: {
    usage: '--to <folder>',
    value: folderValue.optional(),
    help: 'folder for the files',
    otherwise: "the batch's output folder",
  },
};

export const listFlags = {
  outputDir: {
    ...outputDir,
    help: 'only the batches of this folder',
    otherwise: `all that this machine or the server knows, and those in ${DEFAULT_OUTPUT_DIR}`,
  },
  json,
  state: {
    usage: '--state <states>',
    value: statesValue.default([]),
    help: `only batches in these states, with commas between them; may be repeated: ${batchStates.join(', ')}`,
    otherwise: 'all',
    repeats: true as const,
  },
};

export const workerFlags = {
  outputDir: {
    ...outputDir,
    value: folderValue.default(DEFAULT_OUTPUT_DIR),
    help: 'output folder whose open batches to work on',
  },
  concurrency: {
    usage: '--concurrency <n>',
    value: integerValue(1, MAX_WORKERS).default(DEFAULT_CONCURRENCY),
    help: `maximum prompts in progress over all its batches, 1 to ${MAX_WORKERS}; each batch's --max-workers applies as well`,
    otherwise: DEFAULT_CONCURRENCY,
  },
  allowBaseUrl: {
    usage: '--allow-base-url <url[=name]>',
    value: z.array(allowedAddressValue).default([]),
    help: "also use a key at this address for batches that others have started: the provider's key, or the one in the named environment variable; may be repeated",
    otherwise: "only the providers' own addresses",
    repeats: true as const,
  },
  json,
};

export const doctorFlags = {
  provider: { ...provider, help: `provider to check: ${provider.help}` },
  model: { ...model, help: 'model to check' },
  baseUrl,
  apiKeyEnv,
  priceUpdate,
  outputDir: {
    ...outputDir,
    value: folderValue.default(DEFAULT_OUTPUT_DIR),
    help: 'where results will go',
  },
  json,
};

export const jsonFlag = { json };
