/** What can be wrong with an exchange before anyone asks what it means for the prompt. */

/** Of a response, by names in small letters. */
export type ResponseHeaders = Pick<Headers, 'get'>;

/** The provider refused: any status but 2xx. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Its beginning, where it is long. */
  readonly body: string;
  /** The address that was asked. */
  readonly url: string;

  constructor(status: number, headers: ResponseHeaders, body: string, url: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.url = url;
  }
}

/** The request was sent, and no usable answer came back in time or at all. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  /** Of the response, where there was one. */
  readonly status: number | null;
  readonly headers: ResponseHeaders | null;

  constructor(message: string, response?: { status: number; headers: ResponseHeaders }) {
    super(message);
    this.status = response?.status ?? null;
    this.headers = response?.headers ?? null;
  }
}
