import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AnswerFeed } from '../../store/ledger/answer-feed.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { type FeedPosition, parseCursor, toCursor } from '../../store/ledger/feed-position.ts';
import { replaceFile } from '../../system/files/replace-file.ts';
import { locateBatch } from '../find/locate-batch.ts';
import { UsageError } from '../usage-error.ts';
import { completionsJson, completionsText } from '../render/completion-text.ts';
import { toTerminalText } from '../render/terminal-text.ts';
import { type CommandContext, endWithReader, interruptSignal, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { abortableSleep } from '../../system/abortable-sleep.ts';
import { commandLine, idWord, shellWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';
import { PRIVATE_FOLDER } from '../../system/files/private-mode.ts';
import { readRegularText } from '../../system/files/regular-file.ts';
import { inHome } from '../../system/home.ts';

/** Looking for what is new shall take a tenth of the time, where that does not make it wait for long. */
const POLL_MS = 500;
const LOOKING_SHARE = 10;
const LONGEST_POLL_MS = 5000;
/** A longer cursor than this is kept in a file: a batch of very many shards has one of some kilobytes. */
const LONGEST_TYPED = 1000;

export interface TailOptions {
  outputDir?: string;
  from: 'start' | 'now';
  /** Where an earlier `tail` has stopped: its cursor, or a file that holds it. */
  cursor: string | null;
  /** Ends with the batch, not with what is there by now. */
  follow: boolean;
}

/** Prints completions as they come to the ledger, until the batch is over; needs no server. */
export async function tailCommand(
  id: string,
  options: TailOptions,
  context: CommandContext,
): Promise<number> {
  const { config, json, print, note } = context;
  const store = await locateBatch(config, id, options.outputDir);
  const feed = new AnswerFeed(store, await startOf(options, store.batchId));
  if (options.from === 'now') await feed.skip();
  const interrupt = interruptSignal();
  // Nothing is lost that cannot be printed again.
  endWithReader();
  try {
    if (options.follow) await follow();
    else await printNew();
    if (options.follow && !interrupt.aborted) return exitCodes.succeeded;
    await sayHowToGoOn();
    return interrupt.aborted ? exitCodes.interrupted : exitCodes.succeeded;
  } finally {
    await store.close();
  }

  async function follow(): Promise<void> {
    let told = false;
    while (!interrupt.aborted) {
      // Asked first: what comes before the end is then printed after it was seen.
      const { runs, pause } = await store.readManifest();
      const startedAt = performance.now();
      const printed = await printNew();
      if (runs.at(-1)?.outcome) return;
      if (pause && !printed && !told) note(`Paused (${pause.reason}): ${toTerminalText(pause.message, 300)}`);
      told = pause !== null;
      const lookedMs = performance.now() - startedAt;
      const waitMs = Math.min(LONGEST_POLL_MS, Math.max(POLL_MS, lookedMs * LOOKING_SHARE));
      await abortableSleep(waitMs, interrupt);
    }
  }

  /** Whether there was something. */
  async function printNew(): Promise<boolean> {
    const { settings } = await store.manifest();
    const { paint } = outputTraits();
    let any = false;
    for await (const { shard, record } of feed.next()) {
      // What was asked for and is not printed is not behind the cursor.
      if (interrupt.aborted) break;
      const { prompt_id: promptId } = await store.withShard(shard, (open) => open.prompt(record.index));
      const answer = {
        ...{ batchId: store.batchId, promptId, record },
        simulated: settings.provider === 'simulated',
      };
      if (json) for (const line of completionsJson(answer)) print(line);
      else print(completionsText(answer, paint));
      any = true;
    }
    if (json && any) print(cursorLine());
    return any;
  }

  function cursorLine(): { type: string; batch_id: string; cursor: string } {
    return {
      ...{ type: 'cursor', batch_id: store.batchId },
      cursor: toCursor(store.batchId, feed.position),
    };
  }

  async function sayHowToGoOn(): Promise<void> {
    const { cursor } = cursorLine();
    const typed = cursor.length > LONGEST_TYPED ? await keptInFile(cursor, store) : cursor;
    const command = commandLine`durabatch tail ${idWord(store.batchId)} --cursor ${shellWord(typed, '<cursor>')}`;
    if (json) print({ ...cursorLine(), next_step: { advice: 'To continue from here:', command } });
    else for (const line of ['To continue from here:', `  ${asTyped(command)}`]) note(line);
  }

  async function keptInFile(cursor: string, { batchId }: BatchStore): Promise<string> {
    const folder = inHome(config.home, 'cursors');
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
    const file = join(folder, `${batchId}-${Date.now().toString(36)}.cursor`);
    await replaceFile(file, `${cursor}\n`);
    return file;
  }
}

async function startOf({ cursor }: TailOptions, batchId: string): Promise<FeedPosition> {
  if (cursor === null) return new Map();
  const parsed = parseCursor(cursor) ?? parseCursor((await readRegularText(cursor).catch(() => '')).trim());
  if (!parsed)
    throw new UsageError(
      `--cursor: neither a cursor nor a file that holds one: ${JSON.stringify(toTerminalText(cursor, 80))}. ` +
        '"tail" prints the cursor to continue from when it stops.',
    );
  if (parsed.batchId !== batchId)
    throw new UsageError(`--cursor: this one is of the batch ${toTerminalText(parsed.batchId, 80)}`);
  return parsed.position;
}
