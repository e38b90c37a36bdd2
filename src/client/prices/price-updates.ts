/** The newest price table at hand: the bundled one, or a newer one that was fetched. Fetched once a day from an address, and never waited for. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { bundledTable } from '../../prices/bundled-table.ts';
import type { PriceTable } from '../../prices/price-table.ts';
import { replaceFile } from '../../system/files/replace-file.ts';
import { fetchTable, flawOf } from './fetch-table.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../../system/files/private-mode.ts';
import { readRegularText } from '../../system/files/regular-file.ts';
import { inHome } from '../../system/home.ts';

const TABLE_FILE = 'table.json';
const LAST_FILE = 'last-look.json';
const CLAIM = 'look-';
/** After this time, a look that its command did not wait for is made good. */
const AGAIN_MS = 3_600_000;

/** How a look for newer prices ended. */
export interface PriceLook {
  /** ISO 8601, UTC. */
  at: string;
  /** Why there are none; `null`: they are in use. */
  trouble: string | null;
}

const folderOf = ({ home }: Pick<Config, 'home'>): string => inHome(home, 'prices');

/** Of what was fetched and what is bundled, the newer one. What cannot be read counts as not fetched. */
export async function tableAtHand(config: Pick<Config, 'home'>): Promise<PriceTable> {
  try {
    const fetched = JSON.parse(await readRegularText(join(folderOf(config), TABLE_FILE))) as PriceTable;
    return fetched.format === 1 && flawOf(fetched, bundledTable) === null ? fetched : bundledTable;
  } catch {
    return bundledTable;
  }
}

/** The newest look, by whatever command; `null`: there was none. */
export async function lastLook(config: Pick<Config, 'home'>): Promise<PriceLook | null> {
  try {
    return JSON.parse(await readRegularText(join(folderOf(config), LAST_FILE))) as PriceLook;
  } catch {
    return null;
  }
}

export interface PriceUpdate {
  /** Resolves when it is over, however it ended. */
  readonly done: Promise<void>;
  /** Gives it up: the next command may look again. */
  stop(): void;
}

const NO_UPDATE: PriceUpdate = { done: Promise.resolve(), stop: () => undefined };

/** Starts to fetch the day's prices, unless a command has asked that address today. Never rejects, prints nothing. */
export function startPriceUpdate(
  config: Pick<Config, 'home' | 'pricesUrl'>,
  { wanted, now = new Date() }: { wanted: boolean; now?: Date },
): PriceUpdate {
  const { pricesUrl } = config;
  if (!wanted || pricesUrl === null) return NO_UPDATE;
  const giveUp = new AbortController();
  const done = update(folderOf(config), pricesUrl, now, giveUp.signal).catch(() => {
    // Where nothing can be written, nothing is fetched: the bundled table is as good.
  });
  return { done, stop: () => giveUp.abort() };
}

async function update(folder: string, url: string, now: Date, signal: AbortSignal): Promise<void> {
  const claim = await claimDay(folder, url, now);
  if (claim === null) return;
  let trouble: string | null = null;
  try {
    const table = await fetchTable(url, { bundled: bundledTable, now, signal });
    await replaceFile(join(folder, TABLE_FILE), `${JSON.stringify(table)}\n`, { synced: false });
  } catch (error) {
    if (signal.aborted) return;
    trouble = reasonOf(error);
  }
  await replaceFile(claim, '', { synced: false });
  const look: PriceLook = { at: now.toISOString(), trouble };
  await replaceFile(join(folder, LAST_FILE), `${JSON.stringify(look)}\n`, { synced: false });
}

/**
 * Makes a file for the day and the address, and returns its path; `null` if it was there. Until the look is over, it holds
 * the time from which another command may look again: a command does not wait for its look, and may be killed. The hash
 * of the address is in the name, so that a corrected address is asked at once, and since an address may hold a password.
 */
async function claimDay(folder: string, url: string, now: Date): Promise<string | null> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const today = `${CLAIM}${now.toISOString().slice(0, 10)}`;
  const name = `${today}-${createHash('sha256').update(url).digest('hex').slice(0, 16)}`;
  const claim = join(folder, name);
  const again = String(now.getTime() + AGAIN_MS);
  if (!(await createNew(claim, again))) {
    const due = await readRegularText(claim);
    if (due === '' || !(now.getTime() >= Number(due))) return null;
    // Of several commands one makes this file.
    if (!(await createNew(`${claim}-${Number(due)}`, ''))) return null;
    await replaceFile(claim, again, { synced: false });
  }
  const earlier = (await readdir(folder)).filter((each) => each.startsWith(CLAIM) && !each.startsWith(today));
  await Promise.all(earlier.map((each) => rm(join(folder, each), { force: true })));
  return claim;
}

/** False if the file was there. */
async function createNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: PRIVATE_FILE });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** `fetch` fails with a sentence that says nothing; its cause has the code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { code, message } = (error.cause ?? {}) as { code?: string; message?: string };
  return error.message === 'fetch failed' ? (code ?? message ?? error.message) : error.message;
}
