/** The providers, as data. */
import type { ProviderName, RequestSettings } from '../core/settings.ts';

export interface Provider {
  name: ProviderName;
  /** `null`: it has no address of its own; `openai-compatible` needs one from the user. */
  baseUrl: string | null;
  /** Variable that holds the API key, unless the user names another; `null`: there is no key. */
  apiKeyEnv: string | null;
  /** Whether requests without a key make no sense. A local server (vLLM, Ollama) needs none. */
  needsApiKey: boolean;
  /** `null`: the user must name one. */
  defaultModel: string | null;
  /** What the default was in earlier versions: the same command line is the same batch after an upgrade. */
  earlierDefaultModels: readonly string[];
  /** Other names that the provider serves and bills as the same model, each with the name that stands for all of them. */
  modelAliases: Readonly<Record<string, string>>;
  /** Whether one request may ask for several choices. An answer with fewer turns it off for the rest of the process. */
  honoursN: boolean;
  maxTokensField: 'max_tokens' | 'max_completion_tokens';
  /** Whether the model takes `temperature` and `top_p`; where it does not, they are not sent. */
  takesSampling(thinking: boolean, model: string): boolean;
  /** What goes into the request's body besides the common fields. */
  extraBody(thinking: boolean, model: string): Record<string, unknown>;
  /** Where its answers say, in US dollars, what they cost. Left out: they do not, or in another currency. */
  reportedCost?: ReportedCost;
}

/** Where in the `usage` of an answer amounts stand, in US dollars. */
export interface ReportedCost {
  amount: readonly string[];
  /** What somebody else bills on top, where requests run on a key of the user's own there. */
  upstream?: { isOwnKey: readonly string[]; amount: readonly string[] };
}

/** Services that are known by their address, whatever provider the user names, and what of their provider's row is otherwise. */
export const services: readonly { name: string; host: string; row: Partial<Provider> }[] = [
  {
    name: 'OpenRouter',
    host: 'openrouter.ai',
    // https://openrouter.ai/docs/use-cases/usage-accounting: `cost` is what the account is charged. One credit is one dollar.
    row: {
      reportedCost: {
        amount: ['cost'],
        upstream: { isOwnKey: ['is_byok'], amount: ['cost_details', 'upstream_inference_cost'] },
      },
    },
  },
];

/** The row that requests with these settings follow. */
export function providerFor({ provider, baseUrl }: Pick<RequestSettings, 'provider' | 'baseUrl'>): Provider {
  const row = providers[provider];
  const service = services.find(({ host }) => isAtHost(baseUrl, host));
  return service ? { ...row, ...service.row } : row;
}

/** Whether an address is https, and of this host or one below it, such as `eu.openrouter.ai`. */
function isAtHost(address: string, host: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, port, hostname } = new URL(address);
  return protocol === 'https:' && port === '' && `.${hostname}`.endsWith(`.${host}`);
}

/** Choices one request asks for at most: what is lost at once if it fails. */
export const MAX_CHOICES = 8;

/** OpenAI models that can reason … */
const openAiReasons = /^(o\d|gpt-[5-9])/;
/** … and those of them that can be told not to: the first gpt-5 and the o-series always do. */
const openAiCanStop = /^gpt-(5\.\d|[6-9])/;

export const providers: Record<ProviderName, Provider> = {
  deepseek: {
    name: 'deepseek',
    baseUrl: 'https://api.deepseek.com',
    apiKeyEnv: 'DEEPSEEK_API_KEY',
    needsApiKey: true,
    defaultModel: 'deepseek-flash',
    earlierDefaultModels: ['deepseek-v4-flash'],
    // https://api-docs.deepseek.com/quick_start/pricing: accepted, and served and billed as deepseek-flash.
    modelAliases: {
      'deepseek-v4-flash': 'deepseek-flash',
      'deepseek-v4-flash-vision-exp': 'deepseek-flash',
    },
    honoursN: false,
    maxTokensField: 'max_tokens',
    takesSampling: () => true,
    // V4 thinks unless told not to, and its reasoning can eat all of max_tokens: an empty, paid answer.
    extraBody: (thinking) => ({ thinking: { type: thinking ? 'enabled' : 'disabled' } }),
  },
  openai: {
    name: 'openai',
    baseUrl: 'https://api.openai.com/v1',
    apiKeyEnv: 'OPENAI_API_KEY',
    needsApiKey: true,
    defaultModel: 'gpt-6-luna',
    earlierDefaultModels: [],
    modelAliases: {},
    honoursN: true,
    // `max_tokens` is deprecated there, and refused by the models that reason.
    maxTokensField: 'max_completion_tokens',
    // Refused with a 400 by a model that is reasoning.
    takesSampling: (thinking, model) =>
      !openAiReasons.test(model) || (!thinking && openAiCanStop.test(model)),
    extraBody(thinking, model) {
      if (thinking && openAiReasons.test(model)) return { reasoning_effort: 'medium' };
      return openAiCanStop.test(model) ? { reasoning_effort: 'none' } : {};
    },
  },
  'openai-compatible': {
    name: 'openai-compatible',
    baseUrl: null,
    apiKeyEnv: 'OPENAI_API_KEY',
    needsApiKey: false,
    defaultModel: null,
    earlierDefaultModels: [],
    modelAliases: {},
    honoursN: true,
    maxTokensField: 'max_tokens',
    takesSampling: () => true,
    // There is no common switch for reasoning.
    extraBody: () => ({}),
  },
  simulated: {
    name: 'simulated',
    baseUrl: null,
    apiKeyEnv: null,
    needsApiKey: false,
    defaultModel: 'simulated',
    earlierDefaultModels: [],
    modelAliases: {},
    honoursN: false,
    maxTokensField: 'max_tokens',
    takesSampling: () => true,
    extraBody: () => ({}),
  },
};

/** The one name of a model that has several. */
export function canonicalModel(provider: ProviderName, model: string): string {
  const { modelAliases } = providers[provider];
  return Object.hasOwn(modelAliases, model) ? modelAliases[model]! : model;
}
