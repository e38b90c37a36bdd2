/** Why a TLS connection to the Temporal server fails: its client says only that a deadline has passed. */
import { isIP } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { TemporalAddress } from '../../config.ts';
import { hostAndPort } from '../../system/loopback.ts';

const PROBE_MS = 5000;
/** A server of TLS 1.3 judges the client's certificate after the handshake, and speaks first where it accepts it. */
const VERDICT_MS = 1000;
const DEFAULT_PORT = 7233;

/** Returns a sentence that names what is wrong with TLS and which variable to set; `null` where nothing is, or nobody answers. */
export async function tlsDoubt({ address = '', tls, apiKey }: TemporalAddress): Promise<string | null> {
  const { host, port } = hostAndPort(address, DEFAULT_PORT);
  // As the client has it: an API key turns TLS on.
  if (!tls && (tls === false || !apiKey)) return (await speaksTls(host, port)) ? NOT_CONFIGURED : null;
  const { serverNameOverride, serverRootCACertificate, clientCertPair } =
    typeof tls === 'object' && tls ? tls : {};
  const name = serverNameOverride ?? host;
  const verdict = await handshake({
    ...{ host, port },
    ...(isIP(name) === 0 && { servername: name }),
    ...(serverRootCACertificate && { ca: Buffer.from(serverRootCACertificate) }),
    ...(clientCertPair && { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) }),
  });
  return verdict instanceof Error ? doubtOf(verdict, name) : null;
}

const NOT_CONFIGURED = 'It speaks TLS, but TLS is off here: set TEMPORAL_TLS=true';

/** Codes of OpenSSL and Node for a certificate from an untrusted issuer. */
const untrusted: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is unknown on this machine',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is unknown on this machine',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is unknown on this machine',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
};

const CLOSED = 'CLOSED_AFTER_HANDSHAKE';

/** Of a server that does not accept the client's certificate, or that there is none. */
const unknownClient = new Set([
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  CLOSED,
]);

function doubtOf(error: NodeJS.ErrnoException, name: string): string | null {
  const { code = '' } = error;
  const why = untrusted[code];
  if (why !== undefined)
    return `Its TLS certificate is not trusted: ${why} (${code}). Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the file (PEM) of the authority that signed it`;
  if (unknownClient.has(code))
    return `It accepts only clients with a certificate that it knows (${code}). Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH to yours (PEM)`;
  switch (code) {
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID': {
      const when = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet';
      return `Its TLS certificate ${when} (${code}): it must be renewed on the server; also check the clock of this machine`;
    }
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `Its TLS certificate is for another host than ${name} (${code}). Set TEMPORAL_TLS_SERVER_NAME to a name that the certificate has, or correct TEMPORAL_ADDRESS`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'It does not speak TLS, but TLS is on here: set TEMPORAL_TLS=false';
    default:
      return /CERT|SSL|TLS/.test(code)
        ? `TLS fails: ${error.message} (${code}). Check the TEMPORAL_TLS_… variables`
        : null;
  }
}

async function speaksTls(host: string, port: number): Promise<boolean> {
  const verdict = await handshake({ host, port, rejectUnauthorized: false });
  return !(verdict instanceof Error) || unknownClient.has(verdict.code ?? '');
}

/** Resolves to the error where there is one, also where nobody answers. */
function handshake(options: ConnectionOptions): Promise<NodeJS.ErrnoException | 'done'> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({ ...options, ALPNProtocols: ['h2'] });
    const end = (verdict: NodeJS.ErrnoException | 'done'): void => {
      socket.destroy();
      resolve(verdict);
    };
    let isShaken = false;
    socket.once('secureConnect', () => {
      isShaken = true;
      setTimeout(() => end('done'), VERDICT_MS);
    });
    socket.once('data', () => end('done'));
    socket.once('close', () => end(Object.assign(new Error('closed'), isShaken ? { code: CLOSED } : {})));
    socket.on('error', end);
    socket.setTimeout(PROBE_MS, () => end(new Error('no answer in time')));
  });
}
