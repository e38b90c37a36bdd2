import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findTemporalBinary } from '../../src/temporal-server/binary.ts';
import { ensureServer, stopServer } from '../../src/temporal-server/embedded-server.ts';
import { isLiveProcess } from '../../src/system/live-process.ts';
import { readRecord } from '../../src/temporal-server/server-record.ts';

export interface TestServer {
  /** `127.0.0.1:port`, for Temporal clients. */
  address: string;
  uiUrl: string;
  /** Its DURABATCH_HOME: a temporary folder. */
  home: string;
  /** Environment for a child process of a test: it finds this server and nothing else of the machine's. */
  env: NodeJS.ProcessEnv;
  /** Ends the server and removes its home. */
  stop: () => Promise<void>;
}

/** The binary of all tests: fetched once per checkout where the machine has none. */
export const testBinary = (): Promise<string> =>
  findTemporalBinary({
    home: fileURLToPath(new URL('../../node_modules/.cache/durabatch', import.meta.url)),
    env: process.env,
    log: (line) => process.stderr.write(`${line}\n`),
  });

/** Environment of a command in a fresh home that has the binary but no server yet, no profile and no API key. */
export const testEnv = async (home: string): Promise<NodeJS.ProcessEnv> => {
  const foreign = /^(TEMPORAL_|DURABATCH_|npm_)|_API_KEY$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  return {
    ...env,
    DURABATCH_HOME: home,
    // Prices of the day would make tests depend on the day.
    DURABATCH_PRICES_URL: 'off',
    DURABATCH_TEMPORAL_BIN: await testBinary(),
    TEMPORAL_CONFIG_FILE: join(home, 'no-temporal-profile.toml'),
  };
};

export const createTestHome = (): Promise<string> => mkdtemp(join(tmpdir(), 'durabatch-test-'));

/**
 * A real dev server of the test file's own. It is killed with the test process if `stop` is never reached.
 * `dynamicConfig`: settings of the server, by their names there.
 */
export const startTestServer = async (dynamicConfig: Record<string, unknown> = {}): Promise<TestServer> => {
  const home = await createTestHome();
  const env = await testEnv(home);
  if (Object.keys(dynamicConfig).length > 0)
    env['DURABATCH_TEMPORAL_BIN'] = await configuredBinary(
      home,
      env['DURABATCH_TEMPORAL_BIN']!,
      dynamicConfig,
    );
  const { address, uiUrl } = await ensureServer({ home, env, log: () => {} });
  const stopWatching = killAtExit(home);
  return {
    address,
    uiUrl,
    home,
    env,
    stop: async () => {
      stopWatching();
      await stopServer(home);
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

/** Starts a server before the first test of a file, and stops it after the last one. Its fields can be read within tests. */
export function useTestServer(dynamicConfig: Record<string, unknown> = {}): TestServer {
  let server: TestServer | undefined;
  before(async () => {
    server = await startTestServer(dynamicConfig);
  });
  after(() => server?.stop());
  const started = (): TestServer => {
    assert.ok(server, 'the server starts before the first test: read its fields within tests');
    return server;
  };
  return {
    get address() {
      return started().address;
    },
    get uiUrl() {
      return started().uiUrl;
    },
    get home() {
      return started().home;
    },
    get env() {
      return started().env;
    },
    stop: () => started().stop(),
  };
}

/** A program that is the binary, started with further settings. */
async function configuredBinary(
  home: string,
  binary: string,
  dynamicConfig: Record<string, unknown>,
): Promise<string> {
  const flags = Object.entries(dynamicConfig).map(
    ([name, value]) => `--dynamic-config-value '${name}=${JSON.stringify(value)}'`,
  );
  const script = join(home, 'configured-temporal');
  const text = `#!/bin/sh
case "$*" in
*--help*) exec '${binary}' "$@" ;;
*start-dev*) exec '${binary}' "$@" ${flags.join(' ')} ;;
*) exec '${binary}' "$@" ;;
esac
`;
  await writeFile(script, text, { mode: 0o755 });
  return script;
}

/** Kills the server of a home, whoever started it, when this process ends; the answer calls that off. */
export const killAtExit = (home: string): (() => void) => {
  const kill = (): void => {
    const record = readRecord(home);
    if (record?.pid && isLiveProcess(record.pid, record.processStart)) process.kill(record.pid, 'SIGKILL');
  };
  process.once('exit', kill);
  return () => void process.off('exit', kill);
};
