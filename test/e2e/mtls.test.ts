/** A Temporal server that wants a client's certificate: the dev server behind a front that ends TLS. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { type TestContext, test } from 'node:test';
import { type Certificate, makeCertificate, noOpenssl as skip } from '../support/certificate.ts';
import { runCli } from '../support/cli.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const server = useTestServer();

/** Returns its address. Only clients with this certificate get through. */
async function startTlsFront(t: TestContext, own: Certificate, client: Certificate): Promise<string> {
  const port = Number(server.address.split(':')[1]);
  const { key, cert } = own;
  const front = createServer(
    { key, cert, ca: client.cert, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
    (socket) => {
      const behind = connect(port, '127.0.0.1');
      socket.on('error', () => behind.destroy()).pipe(behind);
      behind.on('error', () => socket.destroy()).pipe(socket);
    },
  );
  await new Promise<void>((listening) => front.listen(0, '127.0.0.1', listening));
  t.after(() => front.close());
  return `127.0.0.1:${(front.address() as AddressInfo).port}`;
}

/** Environments of commands at this address that trust the server, with and without a certificate of their own. */
async function clientsOf(t: TestContext, own: Certificate, client: Certificate) {
  const home = await temporaryFolder(t);
  const stranger = {
    ...server.env,
    DURABATCH_HOME: home,
    TEMPORAL_ADDRESS: await startTlsFront(t, own, client),
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: own.file,
  };
  const prompts = join(home, 'prompts.json');
  await writeFile(prompts, '["one", "two"]');
  const run = ['run', prompts, '--provider', 'simulated', '--output-dir', home];
  return { home, stranger, known: { ...stranger, ...withCertificate(client) }, run };
}

const withCertificate = ({ file, keyFile }: Certificate) => ({
  TEMPORAL_TLS_CLIENT_CERT_PATH: file,
  TEMPORAL_TLS_CLIENT_KEY_PATH: keyFile,
});

test('a batch runs on a server that wants a certificate, with one', { skip }, async (t) => {
  const own = await makeCertificate(t, 'IP:127.0.0.1');
  const { home, known, run } = await clientsOf(t, own, await makeCertificate(t, 'DNS:client.example'));
  const { code, stdout, stderr } = await runCli(run, { env: known, cwd: home });
  assert.equal(code, 0, stdout + stderr);
  const list = await runCli(['list', '--json'], { env: known, cwd: home });
  assert.deepEqual([list.code, list.lines.map(({ state }) => state)], [0, ['succeeded']]);
});

test('without one, or with another, the error names the variables to set', { skip }, async (t) => {
  const own = await makeCertificate(t, 'IP:127.0.0.1');
  const { home, stranger } = await clientsOf(t, own, await makeCertificate(t, 'DNS:client.example'));
  const other = await makeCertificate(t, 'DNS:other.example');
  for (const env of [stranger, { ...stranger, ...withCertificate(other) }]) {
    const { code, stderr } = await runCli(['watch'], { env, cwd: home });
    assert.equal(code, 1);
    assert.match(stderr, /accepts only clients with a certificate.*TEMPORAL_TLS_CLIENT_CERT_PATH/);
  }
  const { stderr } = await runCli(['watch'], { env: { ...stranger, TEMPORAL_TLS: 'false' }, cwd: home });
  assert.match(stderr, /speaks TLS, but TLS is off here/);
});

test('a certificate that the worker refuses is named with what to do', { skip }, async (t) => {
  const own = await makeCertificate(t, 'IP:127.0.0.1', { authority: true });
  const { home, known, run } = await clientsOf(t, own, await makeCertificate(t, 'DNS:client.example'));
  const { code, stderr } = await runCli(run, { env: known, cwd: home });
  assert.equal(code, 1);
  assert.match(stderr, /the worker does not accept the TLS certificate .*CA:TRUE.* Give the server one/);
});
