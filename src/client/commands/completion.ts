import { completionScripts, type Shell } from '../command-line/completion-script.ts';
import { toTerminalBlock } from '../render/terminal-text.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** Prints the script that a shell is to source. */
export async function completionCommand(shell: Shell, { json, print }: CommandContext): Promise<number> {
  const script = completionScripts[shell];
  print(json ? { type: 'shell_completion', shell, script } : toTerminalBlock(script.trimEnd()));
  return exitCodes.succeeded;
}
