/** What `run`, `estimate` and the TypeScript API take. */
import type { ProviderName, RequestSettings, RunLimits } from '../../core/settings.ts';
import type { ReusePolicy } from '../../store/manifest/manifest.ts';
import { runFlags } from './flags.ts';
import { ACCOUNT_WITHOUT_LIMITS, priceFaults, toTypedLimits, type TypedLimits } from './limit-options.ts';
import { type FlagFault, type FlagValues, parseFlags } from './parse-flags.ts';
import { DEFAULT_OUTPUT_DIR, limitDefaults } from './run-defaults.ts';

export interface RunOptions extends TypedLimits {
  /** What is undefined here comes from the provider. */
  settings: Omit<RequestSettings, 'baseUrl' | 'model'> & {
    baseUrl: string | undefined;
    model: string | undefined;
  };
  /** With defaults. Without `apiKeyEnv` the provider's own variable counts. */
  limits: Omit<RunLimits, 'apiKeyEnv'> & { apiKeyEnv: string | undefined };
  /** As typed: not resolved. */
  outputDir: string;
  id: string | undefined;
  new: boolean;
  /** Which answers to identical requests are taken over. */
  reuse: ReuseOptions;
  detach: boolean;
  /** The day's prices are not fetched. Default: they may be. */
  priceUpdate?: false;
  json: boolean;
}

export interface ReuseOptions {
  /** Batches whose answers are taken over before all others. */
  named: string[];
  policy: ReusePolicy;
  /** Something of the policy was typed: it holds for a batch that exists too. */
  isTyped: boolean;
}

type RunFlags = FlagValues<typeof runFlags>;

/** An address where there must be one, and only there. */
export function addressFaults({
  provider,
  baseUrl,
}: {
  provider: ProviderName;
  baseUrl?: string;
}): FlagFault[] {
  if (provider === 'openai-compatible' && baseUrl === undefined) {
    const message = 'is needed with --provider openai-compatible, like http://127.0.0.1:8000/v1';
    return [{ flag: 'baseUrl', message }];
  }
  if (provider === 'simulated' && baseUrl !== undefined)
    return [{ flag: 'baseUrl', message: 'has no meaning with --provider simulated' }];
  return [];
}

/** What is wrong with flags beside others. */
export function runFaults(flags: RunFlags): FlagFault[] {
  const { provider, account, rpm, tpm } = flags;
  const simulation = (['simulateLatency', 'simulateErrors'] as const).filter(
    (flag) => provider !== 'simulated' && flags[flag] !== undefined,
  );
  return [
    ...priceFaults(flags),
    ...addressFaults(flags),
    ...(account !== undefined && rpm === undefined && tpm === undefined
      ? [{ flag: 'account', message: ACCOUNT_WITHOUT_LIMITS }]
      : []),
    ...simulation.map((flag) => ({ flag, message: 'works only with --provider simulated' })),
  ];
}

/** Throws one `UsageError` for everything that is wrong. */
export const parseRunOptions = (raw: Readonly<Record<string, unknown>>): RunOptions =>
  toRunOptions(parseFlags(runFlags, raw, runFaults));

export function toRunOptions(flags: RunFlags): RunOptions {
  const { provider, model, baseUrl, temperature, topP, maxTokens, completions, thinking } = flags;
  const typed = toTypedLimits(flags);
  return {
    settings: { provider, model, baseUrl, temperature, topP, maxTokens, completions, thinking },
    limits: { ...limitDefaults, apiKeyEnv: undefined, ...typed.typedLimits },
    ...typed,
    outputDir: flags.outputDir ?? DEFAULT_OUTPUT_DIR,
    id: flags.id,
    new: flags.new,
    reuse: toReuseOptions(flags),
    detach: flags.detach,
    ...(!flags.priceUpdate && { priceUpdate: false }),
    json: flags.json,
  };
}

/** A new batch of the same requests is for new answers: it takes only those of batches that are named. */
function toReuseOptions({ reuse, noReuse, reuseSince, reuseLonger, new: isNew }: RunFlags): ReuseOptions {
  return {
    named: reuse,
    policy: { folder: !noReuse && !isNew, since_ms: reuseSince ?? null, longer: reuseLonger },
    isTyped: noReuse || reuseSince !== undefined || reuseLonger,
  };
}
