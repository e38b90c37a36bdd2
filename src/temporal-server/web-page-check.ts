import { request } from 'node:http';
import { LOOPBACK } from './ports.ts';

const ANSWER_MS = 10_000;
const FORBIDDEN = 403;

/**
 * Whether the server's HTTP port refuses what a web page can send to it: a server that does not know the setting that
 * closes it would carry out commands of any page. A port that is closed refuses too.
 */
export const refusesWebPages = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const headers = { host: `web-page.invalid:${port}` };
    const asked = request({ host: LOOPBACK, port, path: '/api/v1/namespaces', headers, timeout: ANSWER_MS });
    asked.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === FORBIDDEN);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
    asked.end();
  });
