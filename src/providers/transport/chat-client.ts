/** The `openai` client over our own transport. */
import { OpenAI } from 'openai';
import type { WireAnswer } from './watched-fetch.ts';

/** Sends one request; aborts it by itself, or when `stop` is aborted. Throws what is to be thrown of it. */
export type Transport<Options> = (
  url: string,
  body: string,
  options: Options,
  stop: AbortController,
) => Promise<WireAnswer>;

type Params = OpenAI.ChatCompletionCreateParamsNonStreaming;
type RequestOptions = Parameters<OpenAI['buildRequest']>[0];
type Request = Awaited<ReturnType<OpenAI['buildRequest']>>;
type FetchOptions = NonNullable<RequestOptions['fetchOptions']>;

/** What the client hands through from a call to the transport, and back. */
interface Exchange<Options> {
  options: Options;
  answer?: WireAnswer;
  /** The client would hide it behind errors of its own. */
  thrown?: unknown;
}

/**
 * Addresses and bodies are the client's; key and headers, timeouts, retries and what is read are the transport's.
 * What the client would do for them all the same, for each request, is left out: some fifteen headers that are
 * not sent, their copies for a log that is off, a timer. That is a third of what a request leaves to be collected.
 */
export class ChatClient<Options> extends OpenAI {
  readonly #transport: Transport<Options>;

  constructor(baseURL: string, transport: Transport<Options>) {
    super({
      baseURL,
      // Everything the client would otherwise take from the environment, and send to whoever is asked.
      apiKey: 'sent by our own transport',
      adminAPIKey: null,
      organization: null,
      project: null,
      logLevel: 'off',
      maxRetries: 0,
    });
    this.#transport = transport;
  }

  /** Throws what the transport throws. */
  async ask(params: Params, options: Options): Promise<WireAnswer> {
    const exchange: Exchange<Options> = { options };
    try {
      await this.chat.completions.create(params, { fetchOptions: { exchange } as FetchOptions }).asResponse();
    } catch (error) {
      throw exchange.thrown ?? error;
    }
    return exchange.answer!;
  }

  override async buildRequest({ method, path, body, fetchOptions }: RequestOptions): Promise<Request> {
    const req = { method, body: JSON.stringify(body), ...fetchOptions } as Request['req'];
    return { req, url: this.buildURL(path, null), timeout: this.timeout };
  }

  override async fetchWithTimeout(
    ...[url, init, , stop]: Parameters<OpenAI['fetchWithTimeout']>
  ): Promise<Response> {
    const { body, exchange } = init as RequestInit & { exchange: Exchange<Options> };
    try {
      exchange.answer = await this.#transport(url as string, body as string, exchange.options, stop);
      return NOTHING_MORE;
    } catch (error) {
      exchange.thrown = error;
      throw error;
    }
  }
}

/** The client looks at no more of an answer that is not parsed by it. */
const NOTHING_MORE = new Response(null, { status: 200 });
