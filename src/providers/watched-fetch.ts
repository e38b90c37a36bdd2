/** `fetch` that watches every byte: idle and overall timeouts, and a limit to what is read. */
import { fetch as undiciFetch, type Dispatcher } from 'undici';
import { createDeadline } from './deadline.ts';
import { HttpError, NoAnswerError } from './wire-errors.ts';

export interface Watch {
  dispatcher: Dispatcher;
  requestTimeoutMs: number;
  idleTimeoutMs: number;
  onByte: () => void;
}

/** A provider that sends more than this is not answering a prompt. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
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
  init: { method: string; headers: Record<string, string>; body: string; signal: AbortSignal },
  watch: Watch,
): Promise<Response> {
  const stop = new AbortController();
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
    watch.onByte();
  };

  try {
    const response = await undiciFetch(url, {
      ...init,
      signal: stop.signal,
      dispatcher: watch.dispatcher,
      redirect: 'manual',
    });
    onBytes();
    const headers = new Headers([...response.headers]);
    const { status } = response;
    if (!response.ok) {
      errorBody = setTimeout(giveUp, ERROR_BODY_WAIT_MS, 'The error message did not arrive.');
      const body = await readBeginning(response.body, onBytes);
      init.signal.throwIfAborted();
      throw new HttpError(status, headers, body);
    }
    const body = await readAll(response.body, { status, headers }, onBytes);
    return new Response(body.length === 0 ? null : body, { status, headers });
  } catch (error) {
    // undici wraps a reason that is no AbortError, or hides it behind a broken body.
    throw stop.signal.aborted && !(error instanceof HttpError) ? stop.signal.reason : error;
  } finally {
    overall.clear();
    idle.clear();
    clearTimeout(errorBody);
    init.signal.removeEventListener('abort', onAbort);
  }
}

type Body = AsyncIterable<Uint8Array> | null;

async function readAll(
  body: Body,
  response: { status: number; headers: Headers },
  onBytes: () => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    onBytes();
    length += chunk.length;
    if (length > MAX_BODY_BYTES) {
      throw new NoAnswerError(`The answer is longer than ${MAX_BODY_BYTES / 1024 / 1024} MB.`, response);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What can be had of an error's body: its status alone decides what happens. */
async function readBeginning(body: Body, onBytes: () => void): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body ?? []) {
      onBytes();
      chunks.push(chunk);
      length += chunk.length;
      if (length >= MAX_ERROR_BYTES) break;
    }
  } catch {
    // Cut off or too slow: the status has arrived, and says enough.
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_ERROR_BYTES);
}
