/** A stand-in on a real port for the address where genai-prices publishes its data. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import overlay from '../../src/prices/tables/overlay.json' with { type: 'json' };
import { bundledTable } from '../../src/prices/bundled-table.ts';
import type { TimedPrices, TokenPrices } from '../../src/prices/price-table.ts';

const keys = {
  input: 'input_mtok',
  output: 'output_mtok',
  cached: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
} as const satisfies Partial<Record<keyof TokenPrices, string>>;

const rawPrices = (prices: TokenPrices) =>
  Object.fromEntries(
    Object.entries(keys).flatMap(([key, name]) => {
      const price = prices[key as keyof typeof keys];
      return price === undefined ? [] : [[name, price]];
    }),
  );

const rawTimed = (timed: TimedPrices) => {
  const { from, hours } = timed;
  const constraint =
    from !== undefined
      ? { type: 'start_date', start_date: from.slice(0, 10) }
      : hours && { type: 'time_of_date', start_time: `${hours[0]}:00Z`, end_time: `${hours[1]}:00Z` };
  return { ...(constraint && { constraint }), prices: rawPrices(timed) };
};

/** The bundled table in the format of genai-prices. `change` is applied to the usual price of each model of a provider. */
export const rawProviders = (
  change: (provider: string, prices: TokenPrices) => TokenPrices = (_, same) => same,
) =>
  bundledTable.providers.map(({ id, address, models, fallbacks }) => ({
    id,
    name: id,
    api_pattern: address,
    ...(fallbacks && { fallback_model_providers: fallbacks }),
    models: models.map(({ match, prices }, index) => {
      const written = overlay.models.find(
        (entry) => entry.provider === id && JSON.stringify(entry.match) === JSON.stringify(match),
      );
      const timed = (written?.insteadOf as unknown as TimedPrices[] | undefined) ?? prices;
      return {
        id: `model ${index}`,
        match,
        prices: timed.map((each) => rawTimed({ ...each, ...change(id, each) })),
      };
    }),
  }));

export interface PricesServer {
  url: string;
  readonly requests: number;
  /** Settles when a request has arrived. */
  readonly asked: Promise<void>;
  /** Answers later requests with this value. */
  serve(body: unknown): void;
}

/** Answers with a value as JSON, or not at all: `null` keeps every request waiting. */
export async function startPricesServer(t: TestContext, body: unknown, status = 200): Promise<PricesServer> {
  let requests = 0;
  let arrived = (): void => undefined;
  const asked = new Promise<void>((resolve) => (arrived = resolve));
  const server = createServer((_request, response) => {
    requests++;
    arrived();
    if (body === null) return;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.json`,
    get requests() {
      return requests;
    },
    asked,
    serve: (value) => {
      body = value;
    },
  };
}
