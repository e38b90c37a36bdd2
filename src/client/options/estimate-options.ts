/** The flags of `estimate`: those of `run`, so that the same line can be typed for both. */
import type { Command } from 'commander';
import { addRunOptions } from './run-options.ts';

const TELLING = new Set([
  ...['--provider', '--model', '--base-url', '--completions', '--max-tokens', '--max-workers'],
  ...['--price-input', '--price-output', '--price-cached', '--no-price-update', '--json'],
  ...['--output-dir', '--reuse', '--no-reuse', '--reuse-since', '--reuse-longer', '--new'],
]);

/** Flags that change nothing of an estimate are taken, but not shown. */
export function addEstimateOptions(command: Command): Command {
  addRunOptions(command);
  for (const option of command.options) if (!TELLING.has(option.long ?? '')) option.hideHelp();
  return command.addHelpText(
    'after',
    '\nThe other flags of run are taken too, and change nothing: any command line of\n"run" is one of "estimate".',
  );
}
