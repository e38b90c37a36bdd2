import type { ProviderName } from '../../core/settings.ts';
import { runFlags } from '../options/flags.ts';
import { parseRunOptions, type RunOptions } from '../options/run-options.ts';
import { refuseUnknown } from './check-options.ts';

/**
 * The flags of `durabatch run`, with the same defaults and limits; times are in milliseconds. What a command line
 * alone does is left out: `--detach`, `--json`.
 */
export interface BatchProcessorOptions {
  /** Default `data/batch_results`. */
  outputDir?: string;
  /** Prompts in progress at once, 1 to 5,000, or `auto` and `auto:50`: as many as the provider takes. Default 3. */
  maxWorkers?: number | 'auto' | `auto:${number}`;
  /** Requests a minute that the account allows, over all batches that name it. Default: no limit. */
  rpm?: number;
  /** Tokens a minute that it allows, input and output together. Default: no limit. */
  tpm?: number;
  /** Whose limits these are. Default: the key's variable at the provider's host. */
  account?: string;
  /** Default `deepseek`. */
  provider?: ProviderName;
  model?: string;
  baseUrl?: string;
  /** Name of the environment variable that holds the API key. */
  apiKeyEnv?: string;
  /** Default 0.7. */
  temperature?: number;
  /** Default 0.9. */
  topP?: number;
  /** Default 256. */
  maxTokens?: number;
  /** Completions per prompt. Default 2. */
  completions?: number;
  /** Default false. */
  thinking?: boolean;
  /** Default 6. */
  maxAttempts?: number;
  /** Default 600,000. */
  requestTimeoutMs?: number;
  /** Default 120,000. */
  idleTimeoutMs?: number;
  /** Default 3,600,000. */
  patienceMs?: number;
  /** A cut-off answer is a failure. Default false: it is marked truncated. */
  rejectTruncated?: boolean;
  /** An answer without text is asked for again. Default false: its prompt fails. */
  retryEmpty?: boolean;
  /** US dollars for known and possibly paid costs together; the batch pauses before it passes them. Default: no cap. */
  maxCost?: number;
  /** Failed prompts, or their percentage, past which the batch pauses. Default: no limit. */
  maxFailures?: number | `${number}%`;
  /** US dollars per million input tokens, instead of the price table's; goes with `priceOutput`. */
  priceInput?: number;
  /** US dollars per million output tokens. */
  priceOutput?: number;
  /** US dollars per million cached input tokens. Default: `priceInput`. */
  priceCached?: number;
  simulateLatencyMs?: number;
  simulateErrors?: number;
  /** The batch's id. Default: made from prompts and settings. */
  id?: string;
  /** Makes another batch of the same prompts and settings. Default false. */
  new?: boolean;
  /** Batches whose answers to identical requests are taken over before all others. */
  reuse?: readonly string[];
  /** Buys every answer anew, but for those of `reuse`. Default false: what the output folder has is taken over. */
  noReuse?: boolean;
  /** Answers that are taken over are no older. Default: however old. */
  reuseSinceMs?: number;
  /** Takes complete answers to a smaller `maxTokens` over too. Default false. */
  reuseLonger?: boolean;
}

/** Of a command line alone. */
const lineFlags = new Set(['detach', 'priceUpdate', 'json']);

const names = Object.entries(runFlags)
  .filter(([name]) => !lineFlags.has(name))
  .map(([name, { usage }]) => (/ <(time|age)>$/.test(usage) ? `${name}Ms` : name));

/**
 * One set of rules for flags and options: numbers become the text that a flag would have. Throws `UsageError`.
 * @internal
 */
export function parseProcessorOptions(options: BatchProcessorOptions): RunOptions {
  refuseUnknown(options, names);
  const flags = Object.entries(options).flatMap(([name, value]): [string, unknown][] => {
    if (value === undefined) return [];
    if (name.endsWith('Ms')) return [[name.slice(0, -2), `${value}ms`]];
    return [[name, typeof value === 'number' ? String(value) : value]];
  });
  return parseRunOptions(Object.fromEntries(flags));
}
