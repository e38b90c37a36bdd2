/**
 * A stand-in for an OpenAI-compatible chat API on a real port: it counts, delays and misbehaves.
 *
 *   const provider = await startFakeProvider({ script: ({ promptCount }) => promptCount === 1 ? reply.status(500) : undefined });
 *   … baseUrl: provider.baseUrl …
 *   assert.equal(provider.answered.requests, 3);
 *   await provider.close();
 */
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Limit } from './provider-limits.ts';
import { LONGEST_WAIT_MS } from './until.ts';

export interface FakeRequest {
  /** The parsed JSON body, as sent. */
  body: Record<string, any>;
  headers: IncomingHttpHeaders;
  /** Text of the last user message: what the counters per prompt go by. */
  prompt: string;
  /** Which request for this prompt it is, from 1. */
  promptCount: number;
  /** Which request of all it is, from 1. */
  total: number;
}

type CutPoint = 'before headers' | 'after headers' | 'mid-body';
type Headers = Record<string, string>;

interface OkReply {
  kind: 'ok';
  /** One text for every choice, or a text each (then their number is the number of choices). */
  text?: string | string[];
  reasoning?: string;
  finishReason?: string;
  /** As on the wire; `null` leaves it out. Default: computed from the lengths of the texts. */
  usage?: Record<string, unknown> | null;
  /** Further fields of the answer, like `service_tier`. */
  fields?: Record<string, unknown>;
  headers?: Headers;
}

export type FakeReply =
  | OkReply
  | { kind: 'raw'; status: number; headers: Headers; body: string | Buffer }
  | { kind: 'silence'; headersFirst: boolean }
  | { kind: 'blank lines'; forMs: number; everyMs: number; then: OkReply }
  | { kind: 'cut'; at: CutPoint; how: 'reset' | 'end' }
  | { kind: 'flood'; bytes: number };

const json = { 'content-type': 'application/json' };

/** What a script can answer. */
export const reply = {
  ok: (options: Omit<OkReply, 'kind'> = {}): FakeReply => ({ kind: 'ok', ...options }),
  /** An HTTP error; a text as body becomes the message of an OpenAI error object. */
  status: (
    status: number,
    options: { headers?: Headers; body?: unknown; message?: string; code?: string } = {},
  ): FakeReply => ({
    kind: 'raw',
    status,
    headers: { ...json, ...options.headers },
    body: JSON.stringify(
      options.body ?? {
        error: {
          message: options.message ?? `fake ${status}`,
          type: 'fake_error',
          code: options.code ?? null,
        },
      },
    ),
  }),
  /** Any bytes, as they are. */
  raw: (body: string | Buffer, options: { status?: number; headers?: Headers } = {}): FakeReply => ({
    kind: 'raw',
    status: options.status ?? 200,
    headers: { ...json, ...options.headers },
    body,
  }),
  brokenJson: (): FakeReply => reply.raw('{"id": "broken", "choices": [{"message": {"content": "half an ans'),
  noChoices: (): FakeReply =>
    reply.raw(
      JSON.stringify({
        id: 'none',
        object: 'chat.completion',
        choices: [],
        usage: { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 },
      }),
    ),
  emptyText: (): FakeReply => ({ kind: 'ok', text: '' }),
  emptyBody: (): FakeReply => reply.raw(''),
  /** Never another byte: nothing at all, or headers and then nothing. */
  silence: (options: { headersFirst?: boolean } = {}): FakeReply => ({
    kind: 'silence',
    headersFirst: options.headersFirst ?? false,
  }),
  /** Headers, a blank line every `everyMs` for `forMs`, then an answer: DeepSeek under load. */
  blankLines: (
    forMs: number,
    options: { everyMs?: number; then?: Omit<OkReply, 'kind'> } = {},
  ): FakeReply => ({
    kind: 'blank lines',
    forMs,
    everyMs: options.everyMs ?? 20,
    then: { kind: 'ok', ...options.then },
  }),
  /** The connection is cut: by a TCP reset, or by an orderly end in the wrong place. */
  cut: (at: CutPoint, how: 'reset' | 'end' = 'reset'): FakeReply => ({ kind: 'cut', at, how }),
  /** A 200 that sends this many bytes of one JSON string. */
  flood: (bytes: number): FakeReply => ({ kind: 'flood', bytes }),
};

export type FakeScript = (request: FakeRequest) => FakeReply | undefined | Promise<FakeReply | undefined>;

export interface FakeProviderOptions {
  /** Whether `n` choices come back; `false` gives one, as DeepSeek does. Default `true`. */
  honourN?: boolean;
  latencyMs?: number | ((request: FakeRequest) => number);
  /** Decides the reply; `undefined` means an ordinary answer. May be exchanged while it runs: `provider.script = …`. */
  script?: FakeScript;
  /** Enforced before the script is asked: what it refuses is refused at once, with this status (default 429). */
  limit?: Limit;
  limitStatus?: number;
  /** Default: a free one. */
  port?: number;
}

export interface LoggedRequest extends FakeRequest {
  /** Milliseconds since 1970. */
  startedAt: number;
  endedAt: number | null;
  status: number | null;
  outcome: 'open' | 'answered' | 'refused' | 'cut by provider' | 'aborted by client';
}

interface Answered {
  requests: number;
  completions: number;
  promptTokens: number;
  completionTokens: number;
}

export interface FakeProvider {
  /** `http://127.0.0.1:<port>/v1` */
  readonly baseUrl: string;
  readonly port: number;
  script: FakeScript | undefined;
  /** Chat requests that arrived, whatever became of them. */
  readonly requests: number;
  readonly requestsPerPrompt: ReadonlyMap<string, number>;
  /** Of these, those that its limit refused. */
  readonly refusedByLimit: number;
  /** Completions that were sent whole: what a real provider would bill. */
  readonly answered: Readonly<Answered> & { readonly perPrompt: ReadonlyMap<string, Readonly<Answered>> };
  readonly inFlight: number;
  readonly peakInFlight: number;
  /** Requests whose client went away before the reply was whole. */
  readonly abortedByClient: number;
  /** Every chat request, in order of arrival. */
  readonly requestsLog: readonly LoggedRequest[];
  /** Connections opened so far. */
  readonly connections: number;
  /**
   * Settles as soon as the condition holds; looked at whenever a request arrives or ends. Rejects after
   * {@link LONGEST_WAIT_MS}.
   */
  until(condition: () => boolean): Promise<void>;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

const tokensOf = (text: string): number => Math.max(1, Math.ceil(Buffer.byteLength(text) / 4));
const noAnswers = (): Answered => ({ requests: 0, completions: 0, promptTokens: 0, completionTokens: 0 });

function promptOf(body: Record<string, any>): string {
  const messages: { role: string; content: string }[] = Array.isArray(body['messages'])
    ? body['messages']
    : [];
  return (messages.findLast((message) => message.role === 'user') ?? messages.at(-1))?.content ?? '';
}

/** The text of an ordinary answer: the same for the same prompt, request and choice. */
export const fakeAnswer = (prompt: string, promptCount: number, choice = 1): string =>
  `Answer ${promptCount}.${choice} to: ${prompt.slice(0, 80)}`;

/** The body of a completion, and what it bills. */
function completionOf(request: FakeRequest, ok: OkReply, honourN: boolean) {
  const wanted = honourN ? Math.max(1, Number(request.body['n'] ?? 1)) : 1;
  const texts: string[] = Array.isArray(ok.text)
    ? ok.text
    : Array.from({ length: wanted }, (_, i) =>
        String(ok.text ?? fakeAnswer(request.prompt, request.promptCount, i + 1)),
      );
  const messages: { content: string }[] = request.body['messages'] ?? [];
  const promptTokens = messages.reduce((sum, message) => sum + tokensOf(message.content) + 4, 0);
  const written = [...texts, ok.reasoning ?? ''].filter((text) => text !== '');
  const completionTokens = written.reduce((sum, text) => sum + tokensOf(text), 0);
  const usage =
    ok.usage === undefined
      ? {
          prompt_tokens: promptTokens,
          completion_tokens: completionTokens,
          total_tokens: promptTokens + completionTokens,
        }
      : ok.usage;
  return {
    body: JSON.stringify({
      id: `fake-${request.total}`,
      object: 'chat.completion',
      created: 0,
      model: request.body['model'] ?? 'fake-model',
      ...ok.fields,
      choices: texts.map((content, index) => ({
        index,
        message: {
          role: 'assistant',
          content,
          ...(ok.reasoning === undefined ? {} : { reasoning_content: ok.reasoning }),
        },
        finish_reason: ok.finishReason ?? 'stop',
      })),
      ...(usage === null ? {} : { usage }),
    }),
    billed: {
      requests: 1,
      completions: texts.length,
      promptTokens: Number(usage?.['prompt_tokens'] ?? 0),
      completionTokens: Number(usage?.['completion_tokens'] ?? 0),
    },
  };
}

const retryAfter = ({ retryAfterMs }: { retryAfterMs: number | null }): Headers =>
  retryAfterMs === null ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) };

async function readBody(message: IncomingMessage): Promise<Record<string, any>> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

async function cut(response: ServerResponse, at: CutPoint, how: 'reset' | 'end'): Promise<void> {
  if (at !== 'before headers') {
    response.writeHead(200, { ...json, 'content-length': '1000' });
    if (at === 'mid-body') response.write('{"id": "half", "choices": [{"message": {"content": "half an ans');
    else response.flushHeaders();
    // A reset overtakes bytes the client has not read yet.
    await delay(30);
  }
  if (how === 'reset') response.socket?.resetAndDestroy();
  else response.socket?.destroy();
}

function* floodOf(bytes: number): Generator<Buffer> {
  yield Buffer.from('{"id": "');
  const chunk = Buffer.alloc(64 * 1024, 'x');
  for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk;
  yield Buffer.from('"}');
}

/** Sends the reply; what is still open afterwards stays open until a side gives up. */
async function send(
  response: ServerResponse,
  answer: Exclude<FakeReply, OkReply>,
  completion: string,
): Promise<void> {
  switch (answer.kind) {
    case 'raw':
      response.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    case 'silence':
      if (answer.headersFirst) response.writeHead(200, json).flushHeaders();
      return;
    case 'blank lines': {
      response.writeHead(200, { ...json, ...answer.then.headers }).flushHeaders();
      const end = Date.now() + answer.forMs;
      while (Date.now() < end && !response.destroyed) {
        response.write('\n');
        await delay(answer.everyMs);
      }
      response.end(completion);
      return;
    }
    case 'cut':
      return cut(response, answer.at, answer.how);
    case 'flood':
      response.writeHead(200, json);
      return pipeline(Readable.from(floodOf(answer.bytes)), response);
  }
}

function add(sum: Answered, more: Answered): void {
  sum.requests += more.requests;
  sum.completions += more.completions;
  sum.promptTokens += more.promptTokens;
  sum.completionTokens += more.completionTokens;
}

/** Listens on 127.0.0.1 and answers `POST …/chat/completions`; anything else is a 404 that is not counted. */
export async function startFakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const honourN = options.honourN ?? true;
  const requestsPerPrompt = new Map<string, number>();
  const answered = { ...noAnswers(), perPrompt: new Map<string, Answered>() };
  const log: LoggedRequest[] = [];
  const waiting = new Set<() => void>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // one listener for each request that is being delayed
  const count = { inFlight: 0, peakInFlight: 0, abortedByClient: 0, connections: 0, refusedByLimit: 0 };
  const changed = () => [...waiting].forEach((look) => look());

  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (message.method !== 'POST' || !message.url?.split('?')[0]?.endsWith('/chat/completions')) {
      message.resume();
      response
        .writeHead(404, json)
        .end(JSON.stringify({ error: { message: `no such path: ${message.url}` } }));
      return;
    }
    const body = await readBody(message);
    const prompt = promptOf(body);
    const promptCount = (requestsPerPrompt.get(prompt) ?? 0) + 1;
    requestsPerPrompt.set(prompt, promptCount);
    const request: FakeRequest = {
      body,
      headers: message.headers,
      prompt,
      promptCount,
      total: log.length + 1,
    };
    const entry: LoggedRequest = {
      ...request,
      startedAt: Date.now(),
      endedAt: null,
      status: null,
      outcome: 'open',
    };
    log.push(entry);
    count.inFlight += 1;
    count.peakInFlight = Math.max(count.peakInFlight, count.inFlight);

    let chosen: FakeReply = { kind: 'ok' };
    let completion: ReturnType<typeof completionOf> | undefined;
    response.once('close', () => {
      count.inFlight -= 1;
      entry.endedAt = Date.now();
      entry.status = response.headersSent ? response.statusCode : null;
      if (!response.writableFinished) {
        entry.outcome = chosen.kind === 'cut' ? 'cut by provider' : 'aborted by client';
        if (entry.outcome === 'aborted by client' && !closing.signal.aborted) count.abortedByClient += 1;
      } else if (completion !== undefined) {
        entry.outcome = 'answered';
        add(answered, completion.billed);
        const ofPrompt = answered.perPrompt.get(prompt) ?? noAnswers();
        add(ofPrompt, completion.billed);
        answered.perPrompt.set(prompt, ofPrompt);
      } else {
        entry.outcome = 'refused';
      }
      changed();
    });
    changed();

    const refusal = options.limit?.(performance.now(), count.inFlight) ?? null;
    if (refusal) count.refusedByLimit += 1;
    chosen = refusal
      ? reply.status(options.limitStatus ?? 429, { headers: retryAfter(refusal) })
      : ((await provider.script?.(request)) ?? chosen);
    const usual =
      typeof options.latencyMs === 'function' ? options.latencyMs(request) : (options.latencyMs ?? 0);
    const latencyMs = refusal ? 0 : usual;
    if (latencyMs > 0) await delay(latencyMs, undefined, { signal: closing.signal }).catch(() => undefined);
    if (response.destroyed) return;
    const ok = chosen.kind === 'ok' ? chosen : chosen.kind === 'blank lines' ? chosen.then : undefined;
    if (ok !== undefined) completion = completionOf(request, ok, honourN);
    if (chosen.kind === 'ok') response.writeHead(200, { ...json, ...chosen.headers }).end(completion?.body);
    else await send(response, chosen, completion?.body ?? '');
  };

  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (message, response) => {
    answer(message, response).catch((error: unknown) => {
      if (message.destroyed || response.destroyed) return; // the client went away while it was sending
      response
        .writeHead(500, json)
        .end(JSON.stringify({ error: { message: `fake provider: ${String(error)}` } }));
    });
  });
  server.on('connection', () => (count.connections += 1));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  const provider: FakeProvider = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    port,
    script: options.script,
    get requests() {
      return log.length;
    },
    requestsPerPrompt,
    get refusedByLimit() {
      return count.refusedByLimit;
    },
    answered,
    get inFlight() {
      return count.inFlight;
    },
    get peakInFlight() {
      return count.peakInFlight;
    },
    get abortedByClient() {
      return count.abortedByClient;
    },
    get connections() {
      return count.connections;
    },
    requestsLog: log,
    until: (condition) =>
      new Promise((resolve, reject) => {
        const giveUp = setTimeout(() => {
          waiting.delete(look);
          const { requests } = answered;
          reject(
            new Error(
              `the provider waited in vain for: ${String(condition)}; ${log.length} requests came, ${requests} were answered, ${count.inFlight} are in flight`,
            ),
          );
        }, LONGEST_WAIT_MS).unref();
        const look = () => {
          if (!condition()) return;
          clearTimeout(giveUp);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve, reject) => {
        closing.abort();
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
  return provider;
}

/**
 * As {@link startFakeProvider}, on a port that no connection of this machine is given by chance: so that it can be
 * closed, and opened again.
 */
export async function startProviderApart(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      return await startFakeProvider({ ...options, port });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
