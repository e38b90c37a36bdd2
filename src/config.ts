/** The only reader of the environment. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { parse } from 'dotenv';
import { durabatchHome } from './server/home.ts';

export interface Config {
  /** Folder for everything that outlives a command. */
  home: string;
  /** The Temporal server that the environment or a profile names; `null`: the embedded one. */
  temporal: { connection: TemporalAddress; namespace: string } | null;
  /** Address of the Web UI of a Temporal server that is not the embedded one, from `DURABATCH_UI_URL`. */
  uiUrl: string | null;
  /**
   * Address of the day's prices, from `DURABATCH_PRICES_URL`; `null`: none is asked (`off`). Not from `.env`: a folder that
   * somebody else has filled must not decide what things cost.
   */
  pricesUrl: string | null;
  /** Value of an environment variable; `undefined` where it is unset or empty. */
  secret(name: string): string | undefined;
  env: NodeJS.ProcessEnv;
  /** What `.env` in the working folder says, whether or not the environment says otherwise. */
  dotEnv: Readonly<Record<string, string>>;
}

/** What a client's connection and a worker's native connection both take. */
export type TemporalAddress = Pick<ConnectionOptions, 'address' | 'tls' | 'metadata'> & { apiKey?: string };

/** Reads `.env` in the working folder too; what the environment itself sets wins. Throws on an unusable profile. */
export function loadConfig(processEnv: NodeJS.ProcessEnv, cwd: string): Config {
  const dotEnv = readDotEnv(resolve(cwd, '.env'));
  const env = { ...dotEnv, ...processEnv };
  return {
    home: durabatchHome(env),
    temporal: temporalOf(env),
    uiUrl: env['DURABATCH_UI_URL']?.replace(/\/+$/, '') || null,
    pricesUrl: pricesUrlOf(processEnv['DURABATCH_PRICES_URL']),
    secret: (name) => env[name]?.trim() || undefined,
    env,
    dotEnv,
  };
}

/** Where the genai-prices project publishes its data; its own packages fetch them from there. */
export const PUBLIC_PRICES_URL =
  'https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json';

const pricesUrlOf = (setting: string | undefined): string | null =>
  setting === 'off' ? null : setting || PUBLIC_PRICES_URL;

function temporalOf(env: NodeJS.ProcessEnv): Config['temporal'] {
  const overrideEnvVars = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { connectionOptions, namespace } = temporalSettings(overrideEnvVars);
  if (!connectionOptions.address) return null;
  return { connection: connectionOptions, namespace: namespace ?? 'default' };
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

function readDotEnv(file: string): Record<string, string> {
  try {
    return parse(readFileSync(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EISDIR') return {};
    throw new Error(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}
