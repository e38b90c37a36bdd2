import type { ProviderAnswer } from './ask-provider.ts';
import { failed, type Finding, ok, warning } from './finding.ts';

export interface ProviderFacts {
  baseUrl: string;
  /** `null`: the user has named none, and the provider has no usual one. */
  model: string | null;
  /** Name of the variable that holds the key. */
  variable: string;
  hasKey: boolean;
  /** Requests do not go through a proxy; where one is set, that may be why nothing is reached. */
  hasProxy: boolean;
}

const MODELS_SHOWN = 5;

/** What the answer to a request for the provider's models says about it. */
export function judgeAnswer(answer: ProviderAnswer, facts: ProviderFacts): Finding {
  const { status, message, sentAt, answeredAt } = answer;
  const { baseUrl, variable, hasKey } = facts;
  const said = message === '' ? '' : `: ${message}`;
  const where = `${new URL(baseUrl).host} answers`;
  if (status >= 200 && status <= 299)
    return judgeModels(answer, facts, `${where} in ${answeredAt - sentAt} ms`);
  if ((status === 401 || status === 403) && !hasKey)
    return ok(`${where} and wants a key (${status}), which the check of the key is about`);
  if (status === 401)
    return failed(
      `${where}, but refuses the key (401${said})`,
      `Put a valid key into ${variable}, or name another variable with --api-key-env.`,
    );
  if (status === 403)
    return failed(
      `${where}, but does not let this key or this place in (403${said})`,
      `Look at the permissions of the key in ${variable}, and where the provider may be used from.`,
    );
  if (status === 402)
    return failed(`${where}, but the account has no credit (402${said})`, 'Top it up with the provider.');
  if (status === 429)
    return warning(
      `${where}, but limits the rate just now (429${said})`,
      'Nothing to do: runs wait limits out. If it lasts, use fewer --max-workers.',
    );
  if (status >= 500)
    return failed(
      `${where}, but is in trouble (${status}${said})`,
      'Try later. A run waits it out, up to --patience, and fails no prompt by it.',
    );
  if (status >= 300 && status <= 399)
    return failed(
      `${where} with a redirect (${status}), and redirects are not followed`,
      'Give the final address with --base-url.',
    );
  return warning(
    `${where}, but has no list of models there (${status}${said})`,
    `Most have one at ${baseUrl}/models: is the address right, up to its version (often /v1)? Some servers do without; then a run of one prompt tells.`,
  );
}

function judgeModels({ models }: ProviderAnswer, { model }: ProviderFacts, where: string): Finding {
  if (models === null)
    return warning(
      `${where}, but not with a list of models`,
      'Is the address that of the API, up to its version (often /v1), and not of a web page?',
    );
  const shown = models.slice(0, MODELS_SHOWN).join(', ');
  const more = models.length > MODELS_SHOWN ? ` and ${models.length - MODELS_SHOWN} more` : '';
  const list = models.length === 0 ? 'no model' : `${shown}${more}`;
  if (model === null) return ok(`${where} and lists ${list}; name one with --model`);
  if (models.includes(model)) return ok(`${where} and lists ${model}`);
  return warning(
    `${where}, but does not list the model ${model}; it lists ${list}`,
    'Name one of those with --model, unless you know that it takes this one too.',
  );
}

const DNS = /^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL)/;
const UNREACHED = /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/;
const CERTIFICATE = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_)/;
const NO_TLS = /^(ERR_SSL_|EPROTO$)/;

/** How far the request came: the name, the connection, its encryption, or an answer. */
export function judgeTrouble(error: unknown, { baseUrl, hasProxy }: ProviderFacts): Finding {
  const { host, hostname, protocol } = new URL(baseUrl);
  const code = codeOf(error);
  const isLocal = /^(localhost|127\.|\[::1\])/.test(hostname);
  const proxy = hasProxy
    ? ' A proxy is set in the environment, but requests to providers do not use it.'
    : '';
  if (DNS.test(code))
    return failed(
      `the name ${hostname} is not known (${code})`,
      `Check --base-url, the network and its DNS.${proxy}`,
    );
  if (code === 'ECONNREFUSED')
    return failed(
      `nobody listens at ${host} (${code})`,
      isLocal
        ? 'Start the server there, or correct the port in --base-url.'
        : `Check --base-url and the network.${proxy}`,
    );
  if (UNREACHED.test(code))
    return failed(`no connection to ${host} (${code})`, `Check the network and its firewall.${proxy}`);
  if (CERTIFICATE.test(code))
    return failed(
      `the certificate of ${host} is not trusted (${code})`,
      'Check the clock and --base-url. For an authority of your own, name its file in NODE_EXTRA_CA_CERTS.',
    );
  if (NO_TLS.test(code) && protocol === 'https:')
    return failed(`${host} does not speak TLS (${code})`, 'Is it http:// instead of https:// in --base-url?');
  if (code.startsWith('HPE_') || code === 'UND_ERR_SOCKET' || code === 'ECONNRESET')
    return failed(
      `${host} takes the connection, but ends it without an answer in HTTP (${code})`,
      'Is it https:// instead of http:// in --base-url, and the right port?',
    );
  const message = error instanceof Error ? error.message : String(error);
  return failed(`${host} gives no answer: ${message}`, `Check --base-url and the network.${proxy}`);
}

/** Of the error, or the first with a code among those that caused it. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
  }
  return '';
}
