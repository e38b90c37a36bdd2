import { type BatchStatus, statusJson, statusText } from '../render/status-text.ts';
import { type CommandContext, outputTraits } from './context.ts';

/** How a batch stands, for who asked. */
export function printStatus(status: BatchStatus, { json, print }: CommandContext): void {
  const { paint, columns } = outputTraits();
  print(json ? statusJson(status) : statusText(status, { paint, columns }));
}
