/**
 * The stand-in provider, a process of its own: a chat API that answers every prompt after its latency with the
 * same text, and otherwise does as little as it can. Prints its port as one line; `GET /stats` tells what came.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { latencyMsOf } from '../latency.ts';
import { promptIndexIn } from '../prompt-file.ts';
import type { Workload } from '../workloads.ts';
import { createTally } from './tally.ts';

const { prompts, completions, latency } = JSON.parse(process.argv[2]!) as Workload;
const tally = createTally(prompts, completions, () => performance.timeOrigin + performance.now());

const body = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-stand-in',
    object: 'chat.completion',
    created: 1_780_000_000,
    model: 'stand-in',
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: 'It remembers what was done, whatever crashes. '.repeat(8) },
      },
    ],
    usage: { prompt_tokens: 60, completion_tokens: 90, total_tokens: 150 },
  }),
);
const headers = { 'content-type': 'application/json', 'content-length': body.length };

function answer(response: ServerResponse, index: number, wantedAt: number): void {
  tally.answered(index, performance.now() - wantedAt);
  response.writeHead(200, headers).end(body);
}

const cpuAtStart = process.cpuUsage();
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    const { user, system } = process.cpuUsage(cpuAtStart);
    response.end(JSON.stringify({ ...tally.stats(), cpuMs: (user + system) / 1000 }));
    return;
  }
  tally.requested();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const index = promptIndexIn(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    const ms = latencyMsOf(latency, index);
    const wantedAt = performance.now() + ms;
    if (ms === 0) answer(response, index, wantedAt);
    else setTimeout(answer, ms, response, index, wantedAt);
  });
});
// A connection that waits for a straggler's neighbour must not be closed under its client.
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
