/** The Temporal server a command works with: the user's own, or the embedded one. */
import { Client, Connection } from '@temporalio/client';
import type { Config, TemporalAddress } from '../../config.ts';
import { ensureServer, serverStatus, type ServerInfo } from '../../temporal-server/embedded-server.ts';
import { commandLine } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';
import { lenientCodec } from './lenient-codec.ts';
import { tlsDoubt } from './tls-doubt.ts';

export interface Temporal {
  client: Client;
  namespace: string;
  /** Tells servers apart that know batches by the same ids: two databases, or two namespaces. */
  serverId: string;
  /** For worker connections. */
  address: TemporalAddress;
  /** `null`: a server of the user's own. */
  embedded: ServerInfo | null;
  /** Page of a batch in the Web UI; `null` where nobody knows its address. */
  webUiOf(batchId: string, runId?: string): string | null;
  close(): Promise<void>;
}

/** The user's server cannot be reached, or does not let us in. The message says what to check. */
export class TemporalError extends Error {
  override readonly name = 'TemporalError';
}

const MAX_TRIES = 3;
const CONNECT_TIMEOUT = '10 seconds';

/** Connects to the user's server, or to the embedded one, which it starts if need be. Throws {@link TemporalError}. */
export async function connectTemporal(config: Config, log: (line: string) => void): Promise<Temporal> {
  if (config.temporal) return connectTo(config, config.temporal.connection, config.temporal.namespace, null);
  for (let attempt = 1; ; attempt++) {
    const server = await ensureServer({ home: config.home, env: config.env, log });
    try {
      return await connectTo(config, { address: server.address }, 'default', server);
    } catch (error) {
      // Killed between its answer and our call: the next round starts another one.
      if (attempt === MAX_TRIES || (await serverStatus(config.home))?.pid === server.pid) throw error;
    }
  }
}

/** As {@link connectTemporal}, but `null` instead of starting a server. */
export async function connectTemporalIfRunning(config: Config): Promise<Temporal | null> {
  if (config.temporal) return connectTo(config, config.temporal.connection, config.temporal.namespace, null);
  const server = await serverStatus(config.home);
  return server && connectTo(config, { address: server.address }, 'default', server);
}

async function connectTo(
  config: Config,
  address: TemporalAddress,
  namespace: string,
  embedded: ServerInfo | null,
): Promise<Temporal> {
  const connection = await Connection.connect({ ...address, connectTimeout: CONNECT_TIMEOUT }).catch(
    async (error: unknown) => {
      throw new TemporalError(await unreachableText(error, address, embedded !== null), { cause: error });
    },
  );
  const uiUrl = embedded?.uiUrl ?? config.uiUrl ?? cloudUi(address.address);
  return {
    client: new Client({ connection, namespace, dataConverter: { payloadCodecs: [lenientCodec] } }),
    namespace,
    serverId: `${embedded ? `embedded ${embedded.clusterId}` : address.address}/${namespace}`,
    address,
    embedded,
    webUiOf: (batchId, runId) =>
      uiUrl &&
      [uiUrl, 'namespaces', namespace, 'workflows', batchId, ...(runId ? [runId] : [])]
        .map((part, index) => (index === 0 ? part : encodeURIComponent(part)))
        .join('/'),
    close: () => connection.close(),
  };
}

async function unreachableText(
  error: unknown,
  address: TemporalAddress,
  isEmbedded: boolean,
): Promise<string> {
  const where = isEmbedded ? 'the embedded Temporal server' : 'the Temporal server';
  const said = error instanceof Error ? error.message : String(error);
  const doubt = isEmbedded ? null : await tlsDoubt(address);
  if (doubt !== null) return `cannot connect to ${where} at ${address.address}. ${doubt}.`;
  const advice = isEmbedded
    ? `See "${asTyped(commandLine`durabatch server status`)}".`
    : 'Check TEMPORAL_ADDRESS, its namespace, TLS and API key, or unset it to use the embedded server.';
  return `cannot reach ${where} at ${address.address}: ${said}. ${advice}`;
}

const cloudUi = (address = ''): string | null =>
  /\.(tmprl\.cloud|api\.temporal\.io)(:\d+)?$/.test(address) ? 'https://cloud.temporal.io' : null;
