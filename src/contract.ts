/**
 * What the client, the workflows and the activities agree on. Everything here crosses a process
 * border: the prompts file, Temporal payloads, or the batch store.
 */
import * as z from 'zod';

// ---------------------------------------------------------------- prompts

export const messageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
});
export type Message = z.infer<typeof messageSchema>;

/** Sampling a prompt may set for itself; what it leaves out comes from the batch's settings. */
export interface SamplingOverrides {
  model?: string;
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  completions?: number;
}

/**
 * One prompt as normalised from the input file and stored in `prompts/NNNNN.jsonl`: exactly one of
 * `prompt` and `messages`; `fields` are the input's unknown fields, given back in the report.
 */
export interface PromptItem extends SamplingOverrides {
  prompt_id: string;
  prompt?: string;
  messages?: Message[];
  /** Further parameters of the request's body (`stop`, `seed`, `response_format`, …), sent as they are. */
  extra_body?: Record<string, unknown>;
  fields?: Record<string, unknown>;
}

// ---------------------------------------------------------------- settings

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
  /** Prompts in progress at most, 1 to {@link MOST_WORKERS}. */
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

// ---------------------------------------------------------------- outcomes

/** Tokens as the provider counted them. `cached` is part of `prompt`, `reasoning` part of `completion`. */
export interface Usage {
  prompt: number;
  completion: number;
  total: number;
  cached: number;
  reasoning: number;
}

/** What was paid: `costNanoUsd` is `null` as soon as one price or one usage in it is unknown. */
export interface Paid {
  usage: Usage;
  /** Integer billionths of a US dollar. */
  costNanoUsd: number | null;
}

export type FailureType =
  | 'Completion.Fault'
  | 'Completion.Unavailable'
  | 'Completion.Rejected'
  | 'Completion.AccountBlocked'
  | 'Completion.Empty'
  | 'Completion.Truncated'
  | 'Completion.WorkerLost'
  /** Of a request, never of a prompt: ended by us, and not counted against its prompt. */
  | 'Completion.Aborted';

/** Failed prompts by the type of their failure; a type without any is left out. */
export type FailureCounts = Partial<Record<FailureType, number>>;

export interface PromptError {
  type: FailureType;
  message: string;
  /** Requests made for this prompt, over all runs. */
  attempts: number;
}

/** The small result of a prompt that crosses Temporal: never a text. */
export interface Receipt {
  status: 'succeeded' | 'failed';
  /** Ids of the ledger's answer records that this prompt's completions come from. */
  answers: string[];
  paid: Paid;
  /** Known and possibly paid, over all runs, in integer nano-USD; `null` where a price is unknown. */
  spentNanoUsd: number | null;
  /** Sum over the prompt's requests. */
  latencyMs: number;
  error?: PromptError;
  /** Under a cost cap: its last answer cost more than its request could by price and token limit, in words. */
  overcharged?: string;
}

/** The prompt goes back to its batch: its allowance does not reach for its next request, or the batch was paused before it began. */
export interface Unsettled {
  status: 'unsettled';
  /** As in {@link Receipt}. */
  spentNanoUsd: number | null;
  /** What its missing completions can cost at most; `null` where the price is unknown. */
  worstCostNanoUsd: number | null;
}

// ---------------------------------------------------------------- states

export const pauseReasonNames = ['operator', 'account', 'budget', 'failures', 'provider', 'storage'] as const;
export type PauseReason = (typeof pauseReasonNames)[number];

export interface Pause {
  reason: PauseReason;
  /** What happened, in words a person can act on. */
  message: string;
  /** ISO 8601, UTC. */
  since: string;
  /** Who asked for it, as `ann@laptop`; absent where the batch paused itself. */
  by?: string;
  /** The least cost cap under which the next prompt may start, in integer nano-USD; only of a pause for the budget. */
  neededNanoUsd?: number;
  /** An answer cost more than its request could cost: the cap may still have room. Only of a pause for the budget. */
  overcharged?: true;
}

/** What a workflow tells with a pause, or with its end. */
export interface PauseNote {
  run: number;
  /** Pauses of the run that have ended and are not noted yet, ISO 8601. */
  ended: { since: string; until: string }[];
}

/** Who asks for a control of a batch, and why. */
export interface Asked {
  /** As `ann@laptop`. */
  by: string;
  /** In the asker's words; `null`: none were given. */
  reason: string | null;
}

/** A control that was accepted, as it is kept beside the batch. */
export interface ControlNote {
  /** What is noted twice happened once. */
  id: string;
  control: 'pause' | 'resume' | 'set' | 'add' | 'cancel';
  /** ISO 8601, UTC. */
  at: string;
  /** As in {@link Asked}; `null`: nobody said. */
  by: string | null;
  reason: string | null;
  /** Of `set`; of a `resume` where no worker was, also those that never go through Temporal. */
  changes?: Partial<RunLimits>;
  /** Of `add`: how many prompts, and the hash of what was added. */
  prompts?: number;
  sha256?: string;
}

/** What a workflow can say of itself. */
export type RunState = 'running' | 'paused' | 'cancelling' | FinalState;
export type FinalState = 'succeeded' | 'partly_failed' | 'cancelled';
/**
 * An open batch that no worker is on: `waiting` (none has come in this run), `stopped` (its worker ended and left nothing in flight) or
 * `crashed` (its worker vanished). Only an outside observer can tell.
 */
export type BatchState = RunState | 'waiting' | 'stopped' | 'crashed';

export interface Counts {
  total: number;
  /** Not started, or put back. */
  pending: number;
  /** In progress, those waiting to be retried included. */
  running: number;
  succeeded: number;
  failed: number;
  /** Never run, in a cancelled batch. */
  notRun: number;
}

/** The answer of the `progress` query. */
export interface Progress {
  state: RunState;
  pause: Pause | null;
  counts: Counts;
  paid: Paid;
  /** Prompts settled per second of late, in this run; 0 until there is a second of them. */
  promptsPerSecond: number;
  /** Seconds to the end, from the moment of the newest settled prompt; `null` where nobody can tell. */
  etaSeconds: number | null;
  maxWorkers: number;
  /** How many of them are lent at present, and why not more or fewer; `null`: all of them, always. */
  autoWorkers: { slots: number; ceiling: number; reason: string } | null;
  /** In integer nano-USD; `null`: there is no cap. */
  budget: { maxCostNanoUsd: number; spentNanoUsd: number; reservedNanoUsd: number } | null;
  /** Newest first, at most 5. */
  lastFailures: { promptId: string; type: FailureType; message: string }[];
  /** Of all runs, like the counts. */
  failuresByType: FailureCounts;
}

// ---------------------------------------------------------------- workflow

/** Where a batch is kept. The UUID tells two stores apart that know a batch by the same id. */
export interface StoreLocation {
  kind: 'local';
  /** Absolute path of the output folder: the parent of the batch's own folder. */
  outputDir: string;
  uuid: string;
}

/** How a batch's prompts are dealt out to shards: those it began with, and those of each addition, to shards of their own. */
export interface BatchLayout {
  prompts: number;
  shards: number;
  /** Prompts of a shard; the last one of a part may have fewer. */
  shardSize: number;
  /** Prompts that it began with, and of each addition, in order. Default: nothing was added. */
  parts?: number[];
}

/** Prompts that wait beside the batch to be taken in. */
export interface Addition {
  /** Name of the folder in which they wait. */
  stage: string;
  /** Of the prompts as normalised, and the settings of their requests. */
  sha256: string;
}

/** Argument of the `promptBatch` workflow. */
export interface BatchInput extends BatchLayout {
  batchId: string;
  name: string;
  /** Machine on which this run was started: that of the store's path. */
  host?: string;
  /** Start of this run, ISO 8601, UTC. */
  startedAt?: string;
  /** The server has the search attributes of batches: an upsert of others would never end. Default: it has not. */
  hasSearchAttributes?: boolean;
  /** Which run of the batch this is, from 1. */
  run: number;
  store: StoreLocation;
  settings: BatchSettings;
  /** A pause that outlived the run before. */
  pause: Pause | null;
  /** What the execution before this one hands on; absent in the first of a run. */
  carried?: CarriedBatch;
}

/** The state of a batch of many shards at a time when none of them is open. */
export interface CarriedBatch {
  /** Shards that have prompts left to run, in order; `null`: the store is to be asked, and what its shards have settled is not in `tally`. */
  shards: number[] | null;
  /** `null`: as in `settings`, which has those of the run's beginning. */
  limits: RunLimits | null;
  tally: Tally;
  /** Failures that a resume has forgiven. */
  forgiven: number;
  /** Known and possibly paid, in integer nano-USD. */
  spentNanoUsd: number;
  /** How much of that this run has spent in `shards`, as in {@link BatchSurvey}. */
  spentInRun?: Record<number, number>;
  /** What its workers have told of their pace; absent where they have not. */
  paces?: readonly HeardPace[];
  /** Whether a cancel has been announced that does not wait for the prompts in progress. */
  cancelNow?: boolean;
}

/** What a workflow has counted of its prompts. */
export interface Tally {
  total: number;
  succeeded: number;
  failed: number;
  paid: Paid;
  /** How many had settled at some moments of late, oldest first. */
  pace: readonly PaceMark[];
  /** Newest first, at most 5. */
  lastFailures: Progress['lastFailures'];
  /** The one message of all failures so far; `null` once two differ. */
  sameFailure: string | null;
  failuresByType: FailureCounts;
  /** `null`, or left out: none has settled in this run. */
  spans?: Spans | null;
}

/** How long prompts were in progress of late. */
export interface Spans {
  /** Prompts that this is made from, up to a limit. */
  count: number;
  /** Time for one completion. */
  meanMs: number;
  /** Completions of a prompt, on average. */
  completions: number;
  /** Time of the slowest prompt; it fades with those after it. */
  slowestMs: number;
}

export interface PaceMark {
  /** ms since 1970, by the workflow's clock. */
  at: number;
  /** Prompts settled by then. */
  settled: number;
}

/** What one worker process found its provider to let through. The newest word counts. */
export interface WorkerPace {
  /** Identity of the process. */
  worker: string;
  /** Prompts in progress that it can put to use. */
  slots: number;
  /** Why not more or fewer, in a few words. */
  reason: string;
}

export interface HeardPace extends WorkerPace {
  /** ms since 1970, by the workflow's clock. */
  heardAt: number;
}

/** Argument of the `promptShard` workflow. */
export interface ShardInput {
  batchId: string;
  run: number;
  store: StoreLocation;
  shard: number;
  /** Which execution of this shard in this run it is, from 1: a shard that dies is started again. */
  execution: number;
  loan: ShardLoan;
  /** How far apart, in ms, accounts stand that only bring news of settled prompts. Default: 1000. */
  newsEveryMs?: number;
}

/**
 * What a batch lends one of its shards, from its start on. Totals only grow and the rest is absolute, so
 * that the newest message says all that the ones before it did.
 */
export interface ShardLoan {
  /** Counts the loan's messages. */
  version: number;
  /** Slots lent in all. */
  slots: number;
  /** How many of the slots it holds it may go on using; what is above that comes back as prompts finish. */
  keepSlots: number;
  /** Money lent in all for what its prompts may spend, in integer nano-USD; `null`: there is no cap. */
  nanoUsd: number | null;
  /** What it may keep unreserved money for: all its prompts, those that its slots take next, or nothing. */
  keepMoneyFor: 'queue' | 'slots' | 'nothing';
  limits: RunLimits;
  /** How often a pause of the batch was lifted. */
  lifts: number;
  /** `drain`: start nothing more and let what runs finish; `now`: do not let it finish. */
  stop: 'no' | 'drain' | 'now';
}

/** What a shard tells of its loan and its prompts. Totals, as in {@link ShardLoan}. */
export interface ShardAccount {
  execution: number;
  /** Version of the newest loan it has seen. */
  loan: number;
  returnedSlots: number;
  returnedNanoUsd: number;
  /** Known and possibly paid before this execution, in this run; `null` until it has read that: `tally` is then of nothing too. */
  spentBeforeNanoUsd: number | null;
  /** Known and possibly paid since. */
  spentNanoUsd: number;
  reservedNanoUsd: number;
  /** Prompts in progress. */
  running: number;
  /** Nothing is left to start. */
  dry: boolean;
  /** A slot waits for money alone: how much is missing for the next prompt; `null` money: its price is unknown. */
  wants: { worstCostNanoUsd: number | null; missingNanoUsd: number } | null;
  /** Of this run. */
  tally: ShardTally;
  /** What stops its prompts, and at which count of lifts it happened. */
  halt: ShardHalt | null;
}

export type ShardTally = Pick<
  Tally,
  'succeeded' | 'failed' | 'paid' | 'lastFailures' | 'sameFailure' | 'failuresByType' | 'spans'
>;

export interface ShardHalt {
  reason: PauseReason;
  message: string;
  lifts: number;
}

/** Argument of `completePrompt`: which prompt. Its text and its limits are in the store. */
export interface PromptTask {
  batchId: string;
  run: number;
  /** How often the workflow has scheduled this prompt in this run, from 1. */
  turn: number;
  /** First of the turns over which faults and patience count: those before this one ended unsettled. Default: this turn. */
  since?: number;
  shard: number;
  /** Position in the batch, from 0. */
  index: number;
  promptId: string;
  /** What this turn may spend, known and possibly paid; `null`: no cap. */
  allowanceNanoUsd: number | null;
}

export interface OpenPrompt {
  /** Position in the batch, from 0. */
  index: number;
  id: string;
  completions: number;
  /** As in {@link Receipt}. */
  spentNanoUsd: number | null;
  /** What the missing completions can cost at most; `null` where the price is unknown. */
  worstCostNanoUsd: number | null;
  /** Highest turn of its records of this run; left out where it has none: a workflow that goes on from the ledger goes on counting. */
  lastTurn?: number;
}

/** Sums over prompts that are settled, and what was spent on all. */
export interface RunSum {
  succeeded: number;
  failed: number;
  /** Absent where an older version has told it. */
  failuresByType?: FailureCounts;
  /** Of the settled ones. */
  paid: Paid;
  /** Known and possibly paid, in integer nano-USD, of prompts that are still open too. What has no price counts nothing. */
  spentNanoUsd: number;
}

/** What `readShard` tells the workflow: prompts left to run, and what the ledger already settled. */
export interface ShardPlan {
  open: OpenPrompt[];
  /** By earlier runs. */
  before: RunSum;
  /** By this run: its shard may have been started before. */
  inRun: RunSum;
}

/** What `surveyShards` tells the workflow of the whole batch, before any shard is started. */
export interface BatchSurvey {
  /** Shards that have prompts left to run, in order. */
  open: number[];
  /** By earlier runs; of the other shards also by this one. */
  before: RunSum;
  /** Known and possibly paid by this run in open shards, by their numbers: in those that the batch worked on when it was small. */
  spentInRun?: Record<number, number>;
}

export interface ReportRequest {
  batchId: string;
  run: number;
  state: FinalState;
  /** ISO 8601, UTC, by the workflow's clock. */
  endedAt: string;
}

/** What `writeReport` answers, the workflow returns, and the manifest keeps. */
export interface BatchOutcome {
  state: FinalState;
  counts: Counts;
  /** Absent in manifests of older versions. */
  failuresByType?: FailureCounts;
  paid: Paid;
  /** Absolute paths. */
  resultsFile: string;
  csvFile: string;
  /** The prompts that failed, as a file to run; `null` if none did. */
  failuresFile: string | null;
  /** Sum over the batch's runs, without the time they were paused or had no worker. */
  durationSeconds: number;
  /** Absent in manifests of older versions, whose duration has it in it. */
  pausedSeconds?: number;
  /** Without a worker, and not paused. Absent as above. */
  idleSeconds?: number;
  /** Absent in manifests of older versions. */
  bill?: OutcomeBill;
  /** The most frequent first. Absent in manifests of older versions. */
  failures?: { type: FailureType; count: number; examples: { promptId: string; message: string }[] }[];
  /** What a reader of the numbers must know, one sentence each. */
  warnings: string[];
}

/** What became of the money, in a form that is the same in JSON. */
export interface OutcomeBill {
  kept: OutcomeAmount;
  discarded: OutcomeAmount;
  possiblyPaid: OutcomeAmount;
  cacheSaving: OutcomeAmount;
  reasoningTokens: number;
  reused: number;
}

/** A sum of amounts of which some may be unknown. */
export interface OutcomeAmount {
  /** Digits of an integer, which may be larger than a JSON number can tell exactly. */
  knownNanoUsd: string;
  known: number;
  unknown: number;
}

/** Prompts a shard holds. */
export const SHARD_SIZE = 1000;
/** What `--max-workers` may be. */
export const MOST_WORKERS = 5000;
/** Most prompts in progress at once with `--max-workers auto`. */
export const DEFAULT_CEILING = 500;

/** A local batch has a task queue of its own, so that no worker spends on a batch it was not asked for. */
export const taskQueueOf = (store: Pick<StoreLocation, 'uuid'>, batchId: string): string =>
  taskQueuePrefixOf(store) + batchId;

/** How the task queues of all batches of a store begin. */
export const taskQueuePrefixOf = ({ uuid }: Pick<StoreLocation, 'uuid'>): string => `durabatch-${uuid}-`;
