/** What a batch asks of its provider, and the limits of its runs. */

export const providerNames = ['deepseek', 'openai', 'openai-compatible', 'simulated'] as const;

export type ProviderName = (typeof providerNames)[number];

/** What shapes a request. Part of the batch's identity: other values make another batch. */
export interface RequestSettings {
  provider: ProviderName;
  /** Address of the API up to and including its version, no trailing slash; `''` for `simulated`. */
  baseUrl: string;
  model: string;
  /** 0 to 2. */
  temperature: number;
  /** Above 0, up to 1. */
  topP: number;
  /** Output limit per completion, in tokens. */
  maxTokens: number;
  /** Completions (samples) per prompt. */
  completions: number;
  /** Lets a model that can reason do so (its reasoning is billed as output). */
  thinking: boolean;
}

/** The user's own prices, in US dollars per million tokens. */
export interface PriceOverride {
  inputPerMillion: number;
  outputPerMillion: number;
  /** Default: the input price. */
  cachedPerMillion?: number;
}

/** In US dollars per million tokens; where a price rises with the length of the prompt, its lowest. */
export interface Price {
  /** `null`, as the other two: the provider told the whole amount, and the table has no price. */
  inputPerMillion: number | null;
  cachedPerMillion: number | null;
  outputPerMillion: number | null;
  /** `provider`: the amount is the one that came with the answer. */
  source: 'user' | 'table' | 'simulated' | 'provider';
  /** The service tier that the answer names, where it names one. */
  tier?: string;
}

/** What one account with a provider allows: for all batches and workers that name it, together. */
export interface AccountLimits {
  name: string;
  requestsPerMinute: number | null;
  /** Input and output tokens together. */
  tokensPerMinute: number | null;
  /** When it was set for a batch that exists, in ms since 1970: of two limits the later ones hold. Default: before any. */
  setAt?: number;
}

/** How a run works through its requests. May differ from run to run of one batch. */
export interface RunLimits {
  /** Prompts in progress at most, 1 to {@link MAX_WORKERS}. */
  maxWorkers: number;
  /** Of these, only as many as latency and refusals allow. Default: all of them. */
  autoWorkers?: boolean;
  /** Default: no limits but the provider's own. */
  account?: AccountLimits | null;
  /** Requests a prompt may lose to faults of its own before it fails; waiting for an unavailable provider never counts. */
  maxAttempts: number;
  requestTimeoutMs: number;
  /** Time without a byte from the provider after which a request is given up; blank keep-alive lines count as bytes. */
  idleTimeoutMs: number;
  /** How long a prompt waits for an unavailable provider before the batch pauses. */
  patienceMs: number;
  /** An answer cut off at its token limit is a failure, not a success marked truncated. */
  rejectTruncated: boolean;
  /** An answer without text is asked for again, as after a fault, instead of failing its prompt. */
  retryEmpty: boolean;
  /** Failed prompts past which the batch pauses: a count, or a share (0 to 1) of all prompts; `null`: no limit. */
  maxFailures: { count: number } | { share: number } | null;
  /** What may be spent, known and possibly paid, in integer nano-USD; `null`: no cap. */
  maxCostNanoUsd: number | null;
  /** The user's own prices, instead of the table's. */
  prices: PriceOverride | null;
  /** Name (never the value) of the environment variable that holds the API key. */
  apiKeyEnv: string;
  /** Simulated provider only: mean latency of an answer. */
  simulateLatencyMs: number;
  /** Simulated provider only: share of requests that fail, 0 to 1. */
  simulateErrors: number;
}

/** What may be changed of an open batch through Temporal. The others are changed in its manifest, where no worker is on it. */
export type LimitChanges = Partial<
  Pick<RunLimits, 'maxWorkers' | 'autoWorkers' | 'account' | 'patienceMs' | 'maxFailures' | 'maxCostNanoUsd'>
>;

export interface BatchSettings {
  request: RequestSettings;
  limits: RunLimits;
}

/** What `--max-workers` may be. */
export const MAX_WORKERS = 5000;

/** Most prompts in progress at once with `--max-workers auto`. */
export const DEFAULT_CEILING = 500;
