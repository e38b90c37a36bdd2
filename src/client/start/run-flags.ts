import { resolve } from 'node:path';
import type { RequestSettings, RunLimits } from '../../core/settings.ts';
import { providers } from '../../providers/catalog.ts';
import { DEFAULT_OUTPUT_DIR, requestDefaults } from '../options/run-defaults.ts';
import { placeholderWord, type ShellWord, shellWord } from '../../core/command-line.ts';

/**
 * Returns the flags that make `run` ask as these settings do, with the same key and at the same prices, for the same
 * output folder.
 */
export function runFlagsOf(
  settings: RequestSettings,
  { apiKeyEnv, prices }: Pick<RunLimits, 'apiKeyEnv' | 'prices'>,
  outputDir: string,
): ShellWord[] {
  const { provider, model, baseUrl } = settings;
  const isSimulated = provider === 'simulated';
  const usualAddress = isSimulated ? baseUrl : providers[provider].baseUrl;
  const usualKey = isSimulated ? apiKeyEnv : providers[provider].apiKeyEnv;
  const values: [flag: string, value: string | number | undefined, usual?: string | number | null][] = [
    ['--provider', provider, requestDefaults.provider],
    ['--model', model, isSimulated ? model : null],
    ['--base-url', baseUrl, usualAddress],
    ['--api-key-env', apiKeyEnv, usualKey],
    ['--completions', settings.completions, requestDefaults.completions],
    ['--temperature', settings.temperature, requestDefaults.temperature],
    ['--top-p', settings.topP, requestDefaults.topP],
    ['--max-tokens', settings.maxTokens, requestDefaults.maxTokens],
    ['--price-input', prices?.inputPerMillion],
    ['--price-output', prices?.outputPerMillion],
    ['--price-cached', prices?.cachedPerMillion],
    ['--output-dir', outputDir, resolve(DEFAULT_OUTPUT_DIR)],
  ];
  const flags = values.flatMap(([flag, value, usual]) =>
    value === undefined || value === usual ? [] : [shellWord(flag, flag), valueWord(flag, String(value))],
  );
  return [...flags, ...(settings.thinking ? [shellWord('--thinking', '')] : [])];
}

function valueWord(flag: string, value: string): ShellWord {
  const name = flag.slice(2);
  // No other address is an API's, and terminals make links of some.
  if (flag === '--base-url' && !/^https?:\/\//.test(value)) return placeholderWord(name);
  return shellWord(value, `<${name}>`);
}
