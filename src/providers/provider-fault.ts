import type { FailureType } from '../core/receipt.ts';
import { parseProviderMessage, plainText, type ProviderMessage } from './provider-message.ts';
import { redact } from './redact.ts';
import { retryAfterMs } from './retry-after.ts';
import { HttpError, NoAnswerError, type ResponseHeaders } from './transport/wire-errors.ts';

interface FaultFacts {
  failure: FailureType;
  message: string;
  status?: number | null;
  requestId?: string | null;
  retryAfterMs?: number | null;
  possiblyPaid: boolean;
}

/** A request that brought no answer, and what that means for the prompt. */
export class ProviderFault extends Error {
  override readonly name = 'ProviderFault';
  readonly failure: FailureType;
  /** HTTP status, where there was a response. */
  readonly status: number | null;
  readonly requestId: string | null;
  /** The delay the provider asked for. */
  readonly retryAfterMs: number | null;
  /** The provider may have answered, and billed, what never arrived: it was reached, and gave no HTTP error but one of a gateway that gave up waiting. */
  readonly possiblyPaid: boolean;

  constructor(facts: FaultFacts) {
    super(facts.message);
    this.failure = facts.failure;
    this.status = facts.status ?? null;
    this.requestId = facts.requestId ?? null;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.possiblyPaid = facts.possiblyPaid;
  }
}

/** Longest message that is kept, in characters. */
const MESSAGE_LENGTH = 500;

/** What an error of an exchange means. `apiKey` is what must not show in the message. */
export function toProviderFault(error: unknown, now: Date, apiKey: string | null = null): ProviderFault {
  if (error instanceof ProviderFault) return error;
  const facts =
    error instanceof HttpError
      ? factsOfStatus(error, now, apiKey)
      : error instanceof NoAnswerError
        ? factsOfNoAnswer(error)
        : factsOfConnection(error);
  return new ProviderFault({
    ...facts,
    message: shorten(redact(facts.message, apiKey)),
    requestId: facts.requestId == null ? null : shorten(redact(facts.requestId, apiKey), 200),
  });
}

/** Cut to a length, never through a character. */
export function shorten(text: string, length: number = MESSAGE_LENGTH): string {
  const characters = Array.from(text.slice(0, 2 * length + 2));
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

export const requestIdOf = (headers: ResponseHeaders): string | null =>
  headers.get('x-request-id') ?? headers.get('request-id') ?? headers.get('cf-ray');

// ---------------------------------------------------------------- an HTTP error

/**
 * By status, where the body does not know better. What is not listed: other 5xx are `Fault`, other 4xx
 * `Rejected` (the request as it was sent is refused; if all are, the first ten pause the batch), 3xx
 * `AccountBlocked` (a redirect means a wrong address, which no retry mends).
 */
const failureByStatus: Record<number, FailureType> = {
  401: 'Completion.AccountBlocked',
  402: 'Completion.AccountBlocked',
  403: 'Completion.AccountBlocked',
  404: 'Completion.AccountBlocked',
  // Addressing, or a proxy's or a country's ban: the same for every prompt.
  405: 'Completion.AccountBlocked',
  407: 'Completion.AccountBlocked',
  410: 'Completion.AccountBlocked',
  421: 'Completion.AccountBlocked',
  426: 'Completion.AccountBlocked',
  451: 'Completion.AccountBlocked',
  408: 'Completion.Fault',
  409: 'Completion.Fault',
  // Failed dependency, too early, and nginx's "client closed request": of the moment, of this request.
  424: 'Completion.Fault',
  425: 'Completion.Fault',
  499: 'Completion.Fault',
  429: 'Completion.Unavailable',
  502: 'Completion.Unavailable',
  503: 'Completion.Unavailable',
  504: 'Completion.Unavailable',
  // Cloudflare could not get through to the provider, or got nothing in time.
  520: 'Completion.Unavailable',
  521: 'Completion.Unavailable',
  522: 'Completion.Unavailable',
  523: 'Completion.Unavailable',
  524: 'Completion.Unavailable',
  525: 'Completion.Unavailable',
  526: 'Completion.Unavailable',
  530: 'Completion.Unavailable',
  // Overloaded (Anthropic, and gateways before it).
  529: 'Completion.Unavailable',
};

const byClass = (status: number): FailureType =>
  status >= 500 ? 'Completion.Fault' : status >= 400 ? 'Completion.Rejected' : 'Completion.AccountBlocked';

/**
 * What a body says goes before the status: providers put these under 400, 403 or 429 as they please.
 * `quota` alone is not among them: Gemini says it of a rate per minute.
 */
const accountCodes = new Set([
  'insufficient_quota',
  'insufficient_balance',
  'insufficient_credits',
  'insufficient_user_quota',
  'exceeded_current_quota_error',
  'billing_hard_limit_reached',
  'billing_not_active',
  'account_deactivated',
  'access_terminated',
  'invalid_api_key',
  'model_not_found',
  'model_not_available',
  'unknown_model',
  'invalid_model',
]);
const accountWords =
  /insufficient (balance|quota|credit|funds)|credit balance is too low|api key (is )?(not valid|invalid|expired)|(invalid|incorrect) api key|\bmodel\b.{0,80}\b(does not exist|not exist|not found)\b|\b(unknown|no such) model\b/i;
/** A prompt that was refused for what it says; OpenRouter does so with a 403. */
const filterCodes = /content_?filter|content_policy|moderation|responsibleaipolicy/;
const filterWords = /content (filter|policy|exists risk)|moderation|input was flagged/i;

/** A gateway gave up waiting, or says that the client did: the model behind it may have gone on, and be billed. */
const gaveUpWaiting = new Set([408, 499, 504, 524]);

function failureOf(status: number, said: ProviderMessage): FailureType {
  const clientError = status >= 400 && status < 500;
  if (clientError && status !== 429 && status !== 401) {
    if (said.codes.some((code) => filterCodes.test(code)) || filterWords.test(said.message)) {
      return 'Completion.Rejected';
    }
  }
  if (clientError && (said.codes.some((code) => accountCodes.has(code)) || accountWords.test(said.message))) {
    return 'Completion.AccountBlocked';
  }
  return failureByStatus[status] ?? byClass(status);
}

function factsOfStatus(error: HttpError, now: Date, apiKey: string | null): FaultFacts {
  const said = parseProviderMessage(error.body, apiKey);
  const location = error.status < 400 ? error.headers.get('location') : null;
  const message = location === null ? said.message : redirectText(location, error.url);
  return {
    failure: failureOf(error.status, said),
    message: message === '' ? `HTTP ${error.status}, without a message` : `HTTP ${error.status}: ${message}`,
    status: error.status,
    requestId: requestIdOf(error.headers),
    retryAfterMs: retryAfterMs(error.headers, now),
    possiblyPaid: gaveUpWaiting.has(error.status),
  };
}

/** Advises an address of the same host only: what another one answers with must not get the key. */
function redirectText(location: string, asked: string): string {
  const check = 'Check --base-url.';
  const to = URL.canParse(location, asked) ? new URL(location, asked) : null;
  if (to === null || !/^https?:$/.test(to.protocol)) return `redirects to what is no web address. ${check}`;
  const from = new URL(asked);
  const address = plainText(to.href);
  if (to.hostname !== from.hostname)
    return `redirects to another host, ${address}, which was sent neither the key nor the prompt. ${check}`;
  const baseUrl = /^(.*)\/chat\/completions$/.exec(to.origin + to.pathname)?.[1];
  const isLessSecure = from.protocol === 'https:' && to.protocol === 'http:';
  if (baseUrl === undefined || isLessSecure) return `redirects to ${address}. ${check}`;
  return `redirects to ${baseUrl}: set that as --base-url`;
}

// ---------------------------------------------------------------- no usable answer

const factsOfNoAnswer = (error: NoAnswerError): FaultFacts => ({
  failure: 'Completion.Fault',
  message: error.message,
  status: error.status,
  requestId: error.headers === null ? null : requestIdOf(error.headers),
  possiblyPaid: true,
});

// ---------------------------------------------------------------- the connection

interface Cause {
  code: string;
  syscall: string;
  message: string;
}

/** Codes that mean: nothing was sent. The provider, or the way to it, is down as a whole. */
const neverSent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EADDRNOTAVAIL|EMFILE|ENFILE|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_HANDSHAKE_TIMEOUT)$/;
/** The same, if it happened while connecting. */
const networkDown = /^(EHOSTUNREACH|ENETUNREACH|ENETDOWN|EHOSTDOWN|ETIMEDOUT|ECONNRESET|EACCES|EPERM)$/;
/**
 * A certificate nobody vouches for, or no TLS at all: waiting does not mend it, and nothing must be
 * sent there, so the batch pauses at once as it does for a bad key.
 */
const tlsRefused =
  /^(CERT_\w+|\w*SELF_SIGNED_CERT\w*|UNABLE_TO_\w+|ERR_TLS_CERT_ALTNAME_INVALID|ERR_SSL_\w+|HOSTNAME_MISMATCH|EPROTO)$/;

function factsOfConnection(error: unknown): FaultFacts {
  const { code, syscall, message } = causeOf(error);
  const connecting =
    syscall === 'connect' || syscall === 'getaddrinfo' || /before secure TLS connection/.test(message);
  const told = message.includes(code) ? message : `${message} (${code})`;
  if (tlsRefused.test(code)) {
    return {
      failure: 'Completion.AccountBlocked',
      message: `No secure connection to the provider: ${told}. Check the address; for a private certificate authority set NODE_EXTRA_CA_CERTS.`,
      possiblyPaid: false,
    };
  }
  if (message === 'bad port') {
    return {
      failure: 'Completion.AccountBlocked',
      message:
        'The port of the address is one that HTTP clients never use (the Fetch standard blocks it). Check --base-url.',
      possiblyPaid: false,
    };
  }
  if (neverSent.test(code) || (connecting && networkDown.test(code))) {
    return {
      failure: 'Completion.Unavailable',
      message: `The provider cannot be reached: ${told}.`,
      possiblyPaid: false,
    };
  }
  return { failure: 'Completion.Fault', message: `The connection broke: ${told}.`, possiblyPaid: true };
}

/** The innermost error that has a code: `fetch failed` hides it, and so does an `AggregateError` of all addresses. */
function causeOf(error: unknown): Cause {
  let found: Cause = {
    code: '',
    syscall: '',
    message: error instanceof Error ? error.message : String(error),
  };
  let next: unknown = error;
  for (let depth = 0; next instanceof Error && depth < 8; depth += 1) {
    const { code, syscall } = next as NodeJS.ErrnoException;
    const inner: unknown = next instanceof AggregateError ? next.errors[0] : undefined;
    const message =
      next.message !== '' ? next.message : inner instanceof Error ? inner.message : found.message;
    if (typeof code === 'string') {
      const innerSyscall = (inner as NodeJS.ErrnoException | undefined)?.syscall;
      found = { code, syscall: syscall ?? innerSyscall ?? '', message };
    } else if (found.code === '') {
      found = { ...found, message };
    }
    next = next.cause ?? inner;
  }
  return found;
}
