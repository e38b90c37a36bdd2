import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import type { ServerPlace } from './server-record.ts';

export const LOOPBACK = '127.0.0.1';

/** Random loopback addresses are drawn from here: without the first and the last of the block, which have other uses. */
const [FIRST_ADDRESS, LAST_ADDRESS] = [0x7f_01_00_00, 0x7f_fe_ff_ff];

/** Ports nobody listens on; those used before where they are still free, so that old links stay good. */
export const choosePlace = async (before: ServerPlace | null): Promise<ServerPlace> => {
  const held: Server[] = [];
  const uiAddress = await chooseUiAddress(before?.uiAddress);
  const take = async (wanted: number | undefined, host = LOOPBACK): Promise<number> => {
    const server = (wanted !== undefined && (await listen(wanted, host))) || (await listen(0, host));
    const address = server ? server.address() : null;
    if (!server || address === null || typeof address === 'string') {
      throw new Error(`No port could be opened on ${LOOPBACK}.`);
    }
    held.push(server);
    return address.port;
  };
  try {
    const { grpc, ui, metrics, http } = before?.ports ?? {};
    const ports = {
      grpc: await take(grpc),
      ui: await take(ui, uiAddress),
      metrics: await take(metrics),
      http: await take(http),
    };
    return { ports, uiAddress };
  } finally {
    await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))));
  }
};

/**
 * The Web UI checks no Host header, so a page that rebinds its name to 127.0.0.1 would read it. It cannot guess one
 * of 16 million addresses. Returns {@link LOOPBACK} where the system has no other loopback address (macOS).
 */
const chooseUiAddress = async (before: string | undefined): Promise<string> => {
  if (before !== undefined && before !== LOOPBACK && (await isPortFree(0, before))) return before;
  const number = randomInt(FIRST_ADDRESS, LAST_ADDRESS);
  const address = [24, 16, 8, 0].map((bits) => (number >>> bits) & 0xff).join('.');
  return (await isPortFree(0, address)) ? address : LOOPBACK;
};

export const isPortFree = async (port: number, host = LOOPBACK): Promise<boolean> => {
  const server = await listen(port, host);
  if (server === null) return false;
  await new Promise((closed) => server.close(closed));
  return true;
};

export const acceptsConnections = (port: number, host = LOOPBACK): Promise<boolean> =>
  new Promise((answer) => {
    const socket = connect({ port, host });
    const end = (accepted: boolean) => {
      socket.destroy();
      answer(accepted);
    };
    socket.setTimeout(1000, () => end(false));
    socket.on('connect', () => end(true)).on('error', () => end(false));
  });

/** Errors of a port that is taken or reserved, and of an address that this machine does not have. */
const UNAVAILABLE = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'EINVAL']);

/** `null` if the port or the address is not to be had. */
const listen = (port: number, host: string): Promise<Server | null> =>
  new Promise((answer, fail) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) =>
      UNAVAILABLE.has(error.code ?? '') ? answer(null) : fail(error),
    );
    server.listen({ port, host, exclusive: true }, () => answer(server));
  });
