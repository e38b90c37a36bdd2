import { TransportError } from '@temporalio/worker';
import type { Config } from '../../config.ts';
import { ensureServer } from '../../temporal-server/embedded-server.ts';
import { grpcErrorOf } from './grpc-error.ts';
import type { Temporal } from './temporal.ts';

const MAX_TRIES = 3;

/** Does `work`, which may be repeated, and does it again if the embedded server was gone meanwhile: it is then started again. */
export async function withServer<T>(
  { config, temporal, note }: { config: Config; temporal: Temporal; note: (line: string) => void },
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!temporal.embedded || !isServerTrouble(error) || attempt === MAX_TRIES) throw error;
      const server = await ensureServer({ home: config.home, env: config.env, log: note });
      if (server.address !== temporal.address.address) throw error;
      if (server.started) note('The Temporal server was gone and has been started again.');
    }
  }
}

const isServerTrouble = (error: unknown): boolean =>
  error instanceof TransportError || grpcErrorOf(error) !== null;
