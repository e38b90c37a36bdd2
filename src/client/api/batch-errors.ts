import type { Pause } from '../../core/progress.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

/** The batch paused itself; what to do is in the message. A later `processBatch` of the same prompts does not lift it: `durabatch resume <id>` does. */
export class BatchPausedError extends Error {
  override readonly name = 'BatchPausedError';
  readonly batchId: string;
  readonly pause: Pause;

  constructor(batchId: string, pause: Pause) {
    super(
      `batch ${batchId} paused (${pause.reason}): ${pause.message}. To continue: ${asTyped(commandLine`durabatch resume ${idWord(batchId)}`)}`,
    );
    this.batchId = batchId;
    this.pause = pause;
  }
}

/** The batch stopped before its end, without a report; every answer that came back is kept. */
export class BatchInterruptedError extends Error {
  override readonly name = 'BatchInterruptedError';
  readonly batchId: string;

  constructor(batchId: string, why: string) {
    super(
      `batch ${batchId} ${why}. Every answer that came back is kept. To continue: ${asTyped(commandLine`durabatch resume ${idWord(batchId)}`)}`,
    );
    this.batchId = batchId;
  }
}
