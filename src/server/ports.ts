import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import type { ServerPorts } from './server-record.ts';

export const LOOPBACK = '127.0.0.1';

/** Ports nobody listens on; those used before where they are still free, so that old links stay good. */
export const choosePorts = async (before: ServerPorts | undefined): Promise<ServerPorts> => {
  const held: Server[] = [];
  const take = async (wanted: number | undefined): Promise<number> => {
    const server = (wanted !== undefined && (await listen(wanted))) || (await listen(0));
    const address = server ? server.address() : null;
    if (!server || address === null || typeof address === 'string') {
      throw new Error(`No port could be opened on ${LOOPBACK}.`);
    }
    held.push(server);
    return address.port;
  };
  try {
    return {
      grpc: await take(before?.grpc),
      ui: await take(before?.ui),
      metrics: await take(before?.metrics),
      http: await take(before?.http),
    };
  } finally {
    await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))));
  }
};

export const isPortFree = async (port: number): Promise<boolean> => {
  const server = await listen(port);
  if (server === null) return false;
  await new Promise((closed) => server.close(closed));
  return true;
};

export const acceptsConnections = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const socket = connect({ port, host: LOOPBACK });
    const end = (accepted: boolean) => {
      socket.destroy();
      answer(accepted);
    };
    socket.setTimeout(1000, () => end(false));
    socket.on('connect', () => end(true)).on('error', () => end(false));
  });

/** `null` if the port is taken, or reserved by the system. */
const listen = (port: number): Promise<Server | null> =>
  new Promise((answer, fail) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? answer(null) : fail(error),
    );
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => answer(server));
  });
