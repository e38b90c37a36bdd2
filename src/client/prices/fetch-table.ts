import { setImmediate } from 'node:timers/promises';
import { fromGenaiProvider } from '../../prices/from-genai-prices.ts';
import { overlayCalendars, withOverlay } from '../../prices/overlay.ts';
import { countPriced, type PricedProvider, type PriceTable } from '../../prices/price-table.ts';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 16 * 1024 * 1024;
/** Models that are no longer sold are dropped from the data, but never many at a time. */
const MIN_SHARE = 0.9;

/** The day's prices from an address. Throws where there are none, or none that may be used. */
export async function fetchTable(
  url: string,
  { bundled, now, signal }: { bundled: PriceTable; now: Date; signal: AbortSignal },
): Promise<PriceTable> {
  const table = await readTable(await download(url, signal), now);
  const flaw = flawOf(table, bundled);
  if (flaw !== null) throw new Error(flaw);
  return table;
}

async function download(address: string, signal: AbortSignal): Promise<unknown> {
  const url = new URL(address);
  const isLocal = /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal))
    throw new Error(`${url.protocol}//${url.host} is not https`);
  const response = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    headers: { 'user-agent': 'durabatch' },
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url.host} answers with ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`${url.host} sends more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

/** Provider by provider: all at once would hold the process up for a tenth of a second. */
async function readTable(raw: unknown, now: Date): Promise<PriceTable> {
  if (!Array.isArray(raw)) throw new Error('its format is not known: it is not a list of providers');
  const providers: PricedProvider[] = [];
  for (const each of raw) {
    await setImmediate();
    try {
      const provider = fromGenaiProvider(each);
      if (provider) providers.push(...withOverlay([provider]));
    } catch (error) {
      throw new Error(`its format is not known: provider ${nameOf(each)}`, { cause: error });
    }
  }
  const date = now.toISOString().slice(0, 10);
  return { format: 1, date, source: `genai-prices of ${date}`, calendars: overlayCalendars, providers };
}

const nameOf = (raw: unknown): string => JSON.stringify((raw as { id?: unknown } | null)?.id ?? null);

/** Why a table may not replace the bundled one; `null`: it may. */
export function flawOf(table: PriceTable, bundled: PriceTable): string | null {
  const [found, known] = [countPriced(table), countPriced(bundled)];
  if (found < known * MIN_SHARE) return `it has prices for ${found} models, the bundled table for ${known}`;
  if (table.date < bundled.date || newestChange(table) < newestChange(bundled))
    return 'it is older than the bundled table';
  return null;
}

/** The newest date from which a price holds. */
function newestChange({ providers, date }: PriceTable): string {
  const starts = providers.flatMap(({ models }) =>
    models.flatMap(({ prices, tiers = [] }) => [...prices, ...tiers].map(({ from = '' }) => from)),
  );
  return starts.filter((from) => from.slice(0, 10) <= date).reduce((a, b) => (a > b ? a : b), '');
}
