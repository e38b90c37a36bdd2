/** `fetch` that watches every byte: idle and overall timeouts, and a limit to what is read. */
import { type Dispatcher, request } from 'undici';
import { AnswerMemory, type HeldAnswer } from './answer-size.ts';
import { decodedBody, TooLongError } from './content-encoding.ts';
import { createDeadline } from './deadline.ts';
import { HttpError, NoAnswerError, type ResponseHeaders } from './wire-errors.ts';

export interface Watch {
  dispatcher: Dispatcher;
  requestTimeoutMs: number;
  idleTimeoutMs: number;
  /** A longer answer is an error. */
  maxBytes: number;
  onByte?: () => void;
}

/** What came back, read. */
export interface WireAnswer {
  status: number;
  headers: ResponseHeaders;
  text: string;
}

/** Of all answers that the process is reading. Thousands of ordinary ones take a tenth of it. */
const memory = new AnswerMemory(128 * 1024 * 1024);
/** Of an error's body, only the beginning is wanted, and it is not waited for long. */
const MAX_ERROR_BYTES = 64 * 1024;
const ERROR_BODY_WAIT_MS = 5_000;

const seconds = (ms: number): string => `${ms / 1000} s`;

/**
 * The whole response, read. Redirects are not followed: they would take prompts and key elsewhere.
 * @throws HttpError for any status but 2xx; NoAnswerError; what undici throws; the signal's reason.
 */
export async function watchedFetch(
  url: string,
  init: { headers: Record<string, string>; body: string; signal: AbortSignal; stop: AbortController },
  watch: Watch,
): Promise<WireAnswer> {
  const { stop } = init;
  const giveUp = (message: string): void => stop.abort(new NoAnswerError(message));
  const onAbort = (): void => stop.abort(init.signal.reason);
  init.signal.throwIfAborted();
  init.signal.addEventListener('abort', onAbort, { once: true });
  const overall = createDeadline(watch.requestTimeoutMs, () =>
    giveUp(`No whole answer within ${seconds(watch.requestTimeoutMs)} (--request-timeout).`),
  );
  const idle = createDeadline(watch.idleTimeoutMs, () =>
    giveUp(`Not a byte from the provider for ${seconds(watch.idleTimeoutMs)} (--idle-timeout).`),
  );
  let errorBody: NodeJS.Timeout | undefined;
  const onBytes = (): void => {
    idle.extend();
    watch.onByte?.();
  };
  const held = memory.begin();

  try {
    // Its `fetch` takes three times the processor time, most of it for web streams. Neither follows redirects here.
    const answer = await request(url, {
      method: 'POST',
      headers: init.headers,
      body: init.body,
      signal: stop.signal,
      dispatcher: watch.dispatcher,
    });
    onBytes();
    const status = answer.statusCode;
    const headers = headersOf(answer.headers);
    if (status < 200 || status > 299) {
      errorBody = setTimeout(giveUp, ERROR_BODY_WAIT_MS, 'The error message did not arrive.');
      const body = await readBeginning(answer.body, onBytes);
      init.signal.throwIfAborted();
      throw new HttpError(status, headers, await decodeBeginning(body, headers), url);
    }
    const head = { status, headers, maxBytes: watch.maxBytes };
    const body = await readAll(answer.body, head, { held, onBytes, onWait: () => idle.clear() });
    const decoded = await decodeAnswer(body, head);
    return { status, headers, text: new TextDecoder().decode(decoded) };
  } catch (error) {
    // undici wraps a reason that is no AbortError, or hides it behind a broken body.
    throw stop.signal.aborted && !(error instanceof HttpError) ? stop.signal.reason : error;
  } finally {
    held.release();
    overall.clear();
    idle.clear();
    clearTimeout(errorBody);
    init.signal.removeEventListener('abort', onAbort);
  }
}

/** `Headers` would check and copy them all, and one or two are looked at. */
const headersOf = (found: Dispatcher.ResponseData['headers']): ResponseHeaders => ({
  get: (name) => {
    const value = found[name];
    return Array.isArray(value) ? value.join(', ') : (value ?? null);
  },
});

type Body = Dispatcher.ResponseData['body'];

interface Head {
  status: number;
  headers: ResponseHeaders;
  maxBytes: number;
}

const tooLong = (head: Head): NoAnswerError =>
  new NoAnswerError(
    `The answer is longer than ${Number((head.maxBytes / 1024 / 1024).toFixed(1))} MB, more than its max_tokens can make it.`,
    head,
  );

/** What comes compressed is small until it is decoded: one at a time. */
let decoding: Promise<unknown> = Promise.resolve();

async function decodeAnswer(body: Uint8Array, head: Head): Promise<Uint8Array> {
  try {
    const encoding = head.headers.get('content-encoding');
    if (encoding === null) return body;
    const decoded = decoding.then(() => decodedBody(body, encoding, head.maxBytes));
    decoding = decoded.catch(() => {});
    return await decoded;
  } catch (error) {
    if (error instanceof TooLongError) throw tooLong(head);
    throw new NoAnswerError(error instanceof Error ? error.message : String(error), head);
  }
}

/** What is compressed beyond reading says nothing more than its status. */
async function decodeBeginning(body: Uint8Array, headers: ResponseHeaders): Promise<string> {
  const decoded = await decodedBody(body, headers.get('content-encoding'), MAX_ERROR_BYTES).catch(() => '');
  return Buffer.from(decoded).toString('utf8', 0, MAX_ERROR_BYTES);
}

interface Reading {
  held: HeldAnswer;
  onBytes: () => void;
  /** Nothing is read for a while, which is not the provider's doing. */
  onWait: () => void;
}

function readAll(body: Body, head: Head, { held, onBytes, onWait }: Reading): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const readOn = async (room: Promise<void>): Promise<void> => {
    await room;
    onBytes();
    body.resume();
  };
  return new Promise((resolve, reject) => {
    body.on('data', (chunk: Uint8Array) => {
      onBytes();
      length += chunk.length;
      if (length > head.maxBytes) {
        body.destroy(tooLong(head));
        return;
      }
      chunks.push(chunk);
      const room = held.hold(chunk.length);
      if (room === null) return;
      body.pause();
      onWait();
      void readOn(room);
    });
    body.on('end', () => resolve(Buffer.concat(chunks)));
    body.on('error', reject);
  });
}

/** What can be had of an error's body: its status alone decides what happens. */
async function readBeginning(body: Body, onBytes: () => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      onBytes();
      chunks.push(chunk);
      length += chunk.length;
      if (length >= MAX_ERROR_BYTES) break;
    }
  } catch {
    // Cut off or too slow: the status has arrived, and says enough.
  }
  return Buffer.concat(chunks);
}
