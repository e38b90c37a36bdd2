/** The only reader of the environment. */
import type { ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { readDotEnv } from './system/dot-env.ts';
import { hostAndPort, isLoopback } from './system/loopback.ts';
import { durabatchHome } from './system/home.ts';
import { ownValue } from './core/own-value.ts';

export interface Config {
  /** Folder for everything that outlives a command. */
  home: string;
  /** The Temporal server that the environment or a profile names; `null`: the embedded one. */
  temporal: { connection: TemporalAddress; namespace: string } | null;
  /** Address of the Web UI of a Temporal server that is not the embedded one, from `DURABATCH_UI_URL`. */
  uiUrl: string | null;
  /**
   * Address of the day's prices, from `DURABATCH_PRICES_URL`; `null`: none is asked (`off`).
   */
  pricesUrl: string | null;
  /** Hosts, with or without a port, that a key may be sent to without TLS, from `DURABATCH_ALLOW_HTTP`. */
  plainHttpHosts: readonly string[];
  /** A key, from the environment or `.env`; `undefined` where it is unset or empty. */
  secret(name: string): string | undefined;
  /** The environment. Nothing of `.env` is in it. */
  env: NodeJS.ProcessEnv;
  /** The keys in `.env` of the working folder, whether or not the environment says otherwise. */
  dotEnv: Readonly<Record<string, string>>;
  /** What the user must be told about where all this comes from, a line each. */
  notices: readonly string[];
}

/** What a client's connection and a worker's native connection both take. */
export type TemporalAddress = Pick<ConnectionOptions, 'address' | 'tls' | 'metadata'> & { apiKey?: string };

/**
 * Of `.env` in the working folder, only keys are taken; what the environment itself sets wins. Throws on an unusable profile, and where
 * a key would leave this machine without TLS.
 */
export function loadConfig(env: NodeJS.ProcessEnv, cwd: string): Config {
  const { keys, notice } = readDotEnv(cwd, env);
  const temporal = temporalOf(env, keys);
  return {
    home: durabatchHome(env),
    temporal: temporal && { connection: temporal.connection, namespace: temporal.namespace },
    uiUrl: env['DURABATCH_UI_URL']?.replace(/\/+$/, '') || null,
    pricesUrl: pricesUrlOf(env['DURABATCH_PRICES_URL']),
    plainHttpHosts: (env['DURABATCH_ALLOW_HTTP'] ?? '').split(/[\s,]+/).filter(Boolean),
    secret: (name) => (ownValue(env, name) ?? ownValue(keys, name))?.trim() || undefined,
    env,
    dotEnv: keys,
    notices: [notice, temporal?.notice].filter((line) => typeof line === 'string'),
  };
}

/** Where the genai-prices project publishes its data; its own packages fetch them from there. */
export const PUBLIC_PRICES_URL =
  'https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json';

const pricesUrlOf = (setting: string | undefined): string | null =>
  setting === 'off' ? null : setting || PUBLIC_PRICES_URL;

const KEY = 'TEMPORAL_API_KEY';

/** `notice`: that key and address come from different places. */
function temporalOf(
  env: NodeJS.ProcessEnv,
  keys: Readonly<Record<string, string>>,
): (NonNullable<Config['temporal']> & { notice: string | null }) | null {
  const overrideEnvVars = Object.fromEntries(
    Object.entries({ ...(keys[KEY] ? { [KEY]: keys[KEY] } : {}), ...env }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  const { connectionOptions: connection, namespace } = temporalSettings(overrideEnvVars);
  if (!connection.address) return null;
  assertEncrypted(connection);
  const placeOf = (name: string): string => (env[name] !== undefined ? 'the environment' : 'a profile');
  const keyPlace = env[KEY] === undefined && keys[KEY] ? '.env' : placeOf(KEY);
  const notice =
    connection.apiKey && keyPlace !== placeOf('TEMPORAL_ADDRESS')
      ? `The Temporal API key from ${keyPlace} is sent to ${connection.address}, an address from ${placeOf('TEMPORAL_ADDRESS')}.`
      : null;
  return { connection, namespace: namespace ?? 'default', notice };
}

/** Throws where a key would be sent in plain text to another machine. */
function assertEncrypted({ address = '', tls, apiKey, metadata = {} }: TemporalAddress): void {
  const hasKey = Boolean(apiKey) || Object.keys(metadata).some((name) => /^authorization$/i.test(name));
  // As the client has it: an API key turns TLS on where nothing is said about it.
  const isPlain = tls === false || (!tls && !apiKey);
  if (!hasKey || !isPlain || isLoopback(hostAndPort(address, 0).host)) return;
  throw new Error(
    `the Temporal API key would go to ${address} without encryption. Set TEMPORAL_TLS=true (in a profile: remove "disabled" from its [tls]), ` +
      'or unset TEMPORAL_API_KEY if that server needs no key.',
  );
}

function temporalSettings(overrideEnvVars: Record<string, string>) {
  try {
    return loadClientConnectConfig({ overrideEnvVars });
  } catch (error) {
    if (isNoFile(error, overrideEnvVars))
      return loadClientConnectConfig({ overrideEnvVars, disableFile: true });
    const file = overrideEnvVars['TEMPORAL_CONFIG_FILE'] ?? "Temporal's configuration file (temporal.toml)";
    throw new Error(
      `cannot tell which Temporal server to use: ${(error as Error).message}. ` +
        `Check the TEMPORAL_* environment variables, and that ${file} has the profile, as [profile.default].`,
      { cause: error },
    );
  }
}

/**
 * Whether there is no configuration file where nobody named one: below a home that is none, as in a container; or out of
 * reach, where the environment names the server anyway.
 */
function isNoFile(error: unknown, env: Record<string, string>): boolean {
  if (env['TEMPORAL_CONFIG_FILE'] !== undefined) return false;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOTDIR' || (code === 'EACCES' && env['TEMPORAL_ADDRESS'] !== undefined);
}
