import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { createSecureServer } from 'node:http2';
import { type TestContext, test } from 'node:test';
import type { TemporalAddress } from '../../../src/config.ts';
import { tlsDoubt } from '../../../src/client/connect/tls-doubt.ts';
import { type Certificate, makeCertificate, noOpenssl as skip } from '../../support/certificate.ts';
import { runCli } from '../../support/cli.ts';
import { testEnv } from '../../support/temporal-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Answers its address. */
async function listen(t: TestContext, server: Pick<Server, 'listen' | 'address' | 'close'>): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

const trusting = (
  { cert }: Certificate,
  serverNameOverride?: string,
): NonNullable<TemporalAddress['tls']> => ({
  serverRootCACertificate: cert,
  ...(serverNameOverride !== undefined && { serverNameOverride }),
});

test(
  'a certificate is named with what is wrong with it and the variable that mends it',
  { skip },
  async (t) => {
    const local = await makeCertificate(t, 'IP:127.0.0.1,DNS:temporal.example');
    const address = await listen(t, createSecureServer(local));
    assert.match(
      (await tlsDoubt({ address, tls: true })) ?? '',
      /not trusted: it is self-signed .*TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
    );
    assert.match((await tlsDoubt({ address, apiKey: 'x' })) ?? '', /self-signed/);
    assert.match((await tlsDoubt({ address })) ?? '', /speaks TLS.*TEMPORAL_TLS=true/);
    assert.match(
      (await tlsDoubt({ address, tls: trusting(local, 'other.example') })) ?? '',
      /for another host than other\.example .*TEMPORAL_TLS_SERVER_NAME/,
    );
    assert.equal(await tlsDoubt({ address, tls: trusting(local) }), null);
    assert.equal(await tlsDoubt({ address, tls: trusting(local, 'temporal.example') }), null);

    const elsewhere = await makeCertificate(t, 'DNS:temporal.example');
    const other = await listen(t, createSecureServer(elsewhere));
    assert.match(
      (await tlsDoubt({ address: other, tls: trusting(elsewhere) })) ?? '',
      /for another host than 127\.0\.0\.1/,
    );
  },
);

test('a certificate that has expired is named', { skip }, async (t) => {
  const expired = await makeCertificate(t, 'IP:127.0.0.1', { expired: true });
  const address = await listen(t, createSecureServer(expired));
  assert.match(
    (await tlsDoubt({ address, tls: trusting(expired) })) ?? '',
    /has expired \(CERT_HAS_EXPIRED\)/,
  );
});

test('a server without TLS is no reason to doubt it, unless TLS is turned on', async (t) => {
  const address = await listen(
    t,
    createServer((socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  assert.equal(await tlsDoubt({ address }), null);
  assert.match((await tlsDoubt({ address, tls: true })) ?? '', /does not speak TLS.*TEMPORAL_TLS=false/);
});

test('the command line says so', { skip }, async (t) => {
  const address = await listen(t, createSecureServer(await makeCertificate(t, 'IP:127.0.0.1')));
  const home = await temporaryFolder(t);
  const env = { ...(await testEnv(home)), TEMPORAL_ADDRESS: address, TEMPORAL_TLS: 'true' };
  const { code, stderr } = await runCli(['watch'], { env, cwd: home });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error: cannot connect to the Temporal server at 127\.0\.0\.1:\d+\. Its TLS certificate is not trusted: it is self-signed .* Set TEMPORAL_TLS_SERVER_CA_CERT_PATH/m,
  );
});
