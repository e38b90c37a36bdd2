import { createRequire } from 'node:module';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../config.ts';
import { providers } from '../../providers/catalog.ts';
import { whyNotSent } from '../../providers/transport/key-transport.ts';
import { workflowBundle } from '../../worker/batch-worker.ts';
import { askProvider, type ProviderAnswer } from '../doctor/ask-provider.ts';
import { checkBuild } from '../doctor/build-check.ts';
import { checkClock } from '../doctor/clock-check.ts';
import { failed, ok } from '../doctor/finding.ts';
import { checkOutputFolder, checkStateFolder } from '../doctor/folder-check.ts';
import { checkKey } from '../doctor/key-check.ts';
import { checkNode } from '../doctor/node-check.ts';
import { checkPrices } from '../doctor/prices-check.ts';
import { judgeAnswer, judgeTrouble } from '../doctor/provider-check.ts';
import { type CheckName, type Check, runChecks } from '../doctor/run-checks.ts';
import { checkTemporal } from '../doctor/temporal-check.ts';
import { checkTerminal } from '../doctor/terminal-check.ts';
import type { doctorFlags } from '../options/flags.ts';
import type { FlagValues } from '../options/parse-flags.ts';
import { lastLook, startPriceUpdate, tableAtHand } from '../prices/price-updates.ts';
import { doctorJson, doctorText } from '../render/doctor-text.ts';
import { afterOutput } from '../../system/terminal-output.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { ownValue } from '../../core/own-value.ts';

type DoctorOptions = FlagValues<typeof doctorFlags>;

/** What hangs is given up after this long; all checks run at once. */
const CHECK_MS = 10_000;
const SERVER_MS = 5_000;

/** Looks at everything a run needs; changes, starts and buys nothing, but for the day's prices, which it fetches as a run does. Anything that stands in a run's way is exit code 1. */
export async function doctorCommand(options: DoctorOptions, context: CommandContext): Promise<number> {
  const { json, print } = context;
  const diagnoses = await runChecks(checksOf(options, context), CHECK_MS);
  const { paint, columns } = outputTraits();
  print(json ? doctorJson(diagnoses) : doctorText(diagnoses, { paint, columns }));
  const isWell = diagnoses.every(({ finding }) => finding.verdict !== 'failed');
  const code = isWell ? exitCodes.succeeded : exitCodes.unexpected;
  // What was given up may hold the process open for ever.
  if (diagnoses.some(({ timedOut }) => timedOut)) afterOutput(() => process.exit(code));
  return code;
}

function checksOf(options: DoctorOptions, { config }: CommandContext): Record<CheckName, Check> {
  const { version, engines } = createRequire(import.meta.url)('durabatch/package.json') as {
    version: string;
    engines: { node: string };
  };
  const provider = providers[options.provider];
  const baseUrl = options.baseUrl ?? provider.baseUrl;
  const variable = options.apiKeyEnv ?? provider.apiKeyEnv ?? '';
  const key = config.secret(variable) ?? null;
  const facts = {
    baseUrl: baseUrl ?? '',
    model: options.model ?? provider.defaultModel,
    variable,
    hasKey: key !== null,
    hasProxy: ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].some((name) => config.env[name]),
  };
  const { plainHttpHosts } = config;
  const secrecy = whyNotSent({ baseUrl: facts.baseUrl, apiKey: key, variable, plainHttpHosts });
  // Two checks look at one answer.
  let answer: Promise<ProviderAnswer> | null = null;
  const ask = (signal: AbortSignal): Promise<ProviderAnswer> =>
    (answer ??= askProvider(facts.baseUrl, secrecy === null ? key : null, signal));

  return {
    node: () => checkNode(process.versions.node, engines.node),
    build: () => checkBuild(version, workflowBundle),
    // Read again: what is wrong with a profile is this check's to tell.
    temporal: () => checkTemporal(loadConfig(process.env, process.cwd()), SERVER_MS),
    api_key: () =>
      checkKey({
        provider,
        variable,
        isOwnAddress: options.baseUrl === undefined,
        environment: ownValue(process.env, variable),
        dotEnv: ownValue(config.dotEnv, variable),
      }),
    provider: (signal) =>
      secrecy !== null
        ? failed('a run refuses this address', `${secrecy[0]!.toUpperCase()}${secrecy.slice(1)}.`)
        : baseUrl === null
          ? ok('the simulated one, on this machine')
          : ask(signal).then(
              (found) => judgeAnswer(found, facts),
              (error: unknown) => {
                signal.throwIfAborted();
                return judgeTrouble(error, facts);
              },
            ),
    clock: async (signal) => {
      const found = baseUrl === null ? null : await ask(signal).catch(() => null);
      const foreign =
        found && found.date !== null
          ? { ...found, date: found.date, whose: new URL(facts.baseUrl).host }
          : null;
      return checkClock(foreign, Date.now(), statSync(fileURLToPath(import.meta.url)).mtimeMs);
    },
    prices: async () => {
      const isWanted = options.priceUpdate && config.pricesUrl !== null;
      await startPriceUpdate(config, { wanted: options.priceUpdate }).done;
      const [table, look] = await Promise.all([tableAtHand(config), lastLook(config)]);
      return checkPrices(table, { look, isWanted, now: new Date() });
    },
    output_folder: () => checkOutputFolder(options.outputDir),
    state_folder: () => checkStateFolder(config.home),
    terminal: () => {
      const { isTTY, color } = outputTraits();
      return checkTerminal({ isTTY, columns: process.stdout.columns, color, env: config.env });
    },
  };
}
