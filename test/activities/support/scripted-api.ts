import assert from 'node:assert/strict';
import type {
  CallOptions,
  CompletionApi,
  CompletionRequest,
  CompletionResponse,
} from '../../../src/providers/completion-api.ts';
import { ProviderFault } from '../../../src/providers/provider-fault.ts';
import { usage } from '../../store/support/records.ts';

export type Reply = (
  request: CompletionRequest,
  options: CallOptions,
) => CompletionResponse | Promise<CompletionResponse>;

/** Answers each request by the next line of its script, and keeps what it was asked. */
export class ScriptedApi implements CompletionApi {
  readonly requests: CompletionRequest[] = [];
  readonly #script: Reply[];
  readonly #honoursN: boolean;
  #unplanned = 0;

  constructor(script: Reply[], { honoursN = false }: { honoursN?: boolean } = {}) {
    this.#script = script;
    this.#honoursN = honoursN;
  }

  choicesPerRequest(wanted: number): number {
    return this.#honoursN ? wanted : 1;
  }

  async complete(request: CompletionRequest, options: CallOptions): Promise<CompletionResponse> {
    this.requests.push(request);
    const reply = this.#script[this.requests.length - 1];
    if (!reply) {
      this.#unplanned++;
      throw new Error(`request ${this.requests.length} was not planned`);
    }
    return reply(request, options);
  }

  /** The samples of each request. Fails if anything was asked that was not planned, or left out. */
  asked(): number[][] {
    assert.equal(this.#unplanned, 0, 'more was asked than planned');
    assert.equal(this.requests.length, this.#script.length, 'less was asked than planned');
    return this.requests.map(({ samples }) => samples);
  }
}

export const responseOf = (
  choices: CompletionResponse['choices'],
  changes: Partial<CompletionResponse> = {},
): CompletionResponse => ({ choices, usage, model: 'm', requestId: 'r1', ...changes });

/** A good answer to every sample asked for. */
export const good: Reply = ({ promptId, samples }) =>
  responseOf(samples.map((sample) => ({ text: `${promptId} ${sample}`, finishReason: 'stop' })));

export const ending =
  (finishReason: string, text = 'text'): Reply =>
  ({ samples }) =>
    responseOf(samples.map(() => ({ text, finishReason })));

export const failing =
  (
    failure: ProviderFault['failure'],
    more: Partial<ConstructorParameters<typeof ProviderFault>[0]> = {},
  ): Reply =>
  () => {
    throw new ProviderFault({ failure, message: `${failure} happened`, possiblyPaid: false, ...more });
  };

/** Rejects as `fetch` does once its signal is aborted; never answers. */
export const hanging: Reply = (_request, { signal }) =>
  new Promise((_resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });

/** A reply that waits to be let go, and says when it was asked for. */
export function held(reply: Reply): { reply: Reply; asked: Promise<void>; release: () => void } {
  const asked = gate();
  const released = gate();
  return {
    reply: async (request, options) => {
      asked.open();
      await released.opened;
      return reply(request, options);
    },
    asked: asked.opened,
    release: released.open,
  };
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
