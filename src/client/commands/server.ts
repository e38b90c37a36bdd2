import {
  ensureServer,
  serverStatus,
  stopServer,
  type ServerInfo,
} from '../../temporal-server/embedded-server.ts';
import { openOnServer } from '../connect/open-on-server.ts';
import { UsageError } from '../usage-error.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { terminalLines } from '../../system/terminal-output.ts';
import { toShownUrl } from '../render/shown-url.ts';
import { commandLine, idWord, isBatchId } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

/** Open batches that are named when their server is stopped. */
const MAX_NAMED = 5;

export const serverActions = ['start', 'stop', 'status'] as const;
export type ServerAction = (typeof serverActions)[number];

export async function serverCommand(action: string, context: CommandContext): Promise<number> {
  const { config, note } = context;
  switch (action) {
    case 'start': {
      const server = await ensureServer({ home: config.home, env: config.env, log: note });
      printServer(server.started ? 'started' : 'running', server, context);
      return exitCodes.succeeded;
    }
    case 'stop': {
      const server = await serverStatus(config.home);
      const open = server && (await openOnServer(server));
      printServer('stopped', await stopServer(config.home), context, open ?? []);
      return exitCodes.succeeded;
    }
    case 'status': {
      const server = await serverStatus(config.home);
      printServer(server ? 'running' : 'not running', server, context);
      return exitCodes.succeeded;
    }
    default:
      throw new UsageError(
        `server: must be one of ${serverActions.join(', ')}, got ${JSON.stringify(action)}`,
      );
  }
}

function printServer(
  state: string,
  server: ServerInfo | null,
  { config, json, print }: CommandContext,
  openBatches: readonly string[] = [],
): void {
  if (json) {
    print({
      type: 'server',
      state,
      home: config.home,
      address: server?.address ?? null,
      web_ui: server?.uiUrl ?? null,
      pid: server?.pid ?? null,
      uses_own_server: config.temporal === null,
      ...(state === 'stopped' && { open_batches: openBatches }),
    });
    return;
  }
  const lines = [
    `The embedded Temporal server is ${state === 'stopped' && !server ? 'not running' : state}.`,
  ];
  if (server && state !== 'stopped') {
    lines.push(
      `  Address  ${server.address} (process ${server.pid})`,
      `  Web UI   ${toShownUrl(server.uiUrl)}`,
    );
  }
  lines.push(`  State    ${config.home}`);
  if (config.temporal)
    lines.push(
      `Commands use the server at ${config.temporal.connection.address} instead (TEMPORAL_ADDRESS or a profile).`,
    );
  if (openBatches.length > 0) {
    lines.push(
      openBatches.length === 1
        ? 'A batch was open on it. Every answer that came back is kept; to continue:'
        : `${openBatches.length} batches were open on it. Every answer that came back is kept; to continue:`,
      ...openBatches
        .filter(isBatchId)
        .slice(0, MAX_NAMED)
        .map((id) => `  ${asTyped(commandLine`durabatch resume ${idWord(id)}`)}`),
      ...(openBatches.length > MAX_NAMED
        ? [`  … (all of them: ${asTyped(commandLine`durabatch list`)})`]
        : []),
    );
  }
  print(terminalLines(lines));
}
