/** A provider below HTTP: each connection's first request is answered by whatever bytes a test writes. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export type RawReply = (socket: Socket) => void;

export interface RawProvider {
  baseUrl: string;
  reply: RawReply;
}

export async function startRawProvider(t: TestContext, reply: RawReply): Promise<RawProvider> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {
      // The client has had enough: that is what the tests are about.
    });
    let received = '';
    socket.on('data', (chunk) => {
      const isAnswered = received.includes('\r\n\r\n');
      received += chunk.toString('latin1');
      if (!isAnswered && received.includes('\r\n\r\n')) provider.reply(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const provider = { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, reply };
  return provider;
}

/** A whole response, its length told. */
export function response(
  body: string | Buffer,
  { status = '200 OK', headers = '' }: { status?: string; headers?: string } = {},
): Buffer {
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** A good answer, with `changes` on top. */
export const answer = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({
    id: 'request-1',
    model: 'test-model',
    choices: [{ message: { content: 'an answer' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 2 },
    ...changes,
  });

/** Sends a chunk over and over, as fast as it is taken, until `bytes` are sent or nobody listens. */
export function pump(socket: Socket, chunk: Buffer, bytes: number): void {
  let sent = 0;
  const go = (): void => {
    while (sent < bytes && !socket.destroyed) {
      sent += chunk.length;
      if (!socket.write(chunk)) return;
    }
    if (sent >= bytes) socket.end();
  };
  socket.on('drain', go);
  go();
}

/** Sends a piece every so often, until nobody listens. */
export function drip(socket: Socket, piece: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.on('close', () => clearInterval(timer));
}
