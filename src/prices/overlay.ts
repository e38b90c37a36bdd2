/** What genai-prices cannot say or does not know, laid over its data: figures with their sources, as data in `tables/overlay.json`. */
import overlay from './tables/overlay.json' with { type: 'json' };
import type { ModelMatch, PricedModel, PricedProvider, PriceTable, TimedPrices } from './price-table.ts';

interface Overlay {
  calendars: PriceTable['calendars'];
  /** Hours that genai-prices has for every day, and that are those of working days. */
  workdays: { provider: string; source: string; hours: [string, string][]; workdaysOf: string }[];
  /** Histories of prices that its format has no room for. */
  models: {
    provider: string;
    source: string;
    match: ModelMatch;
    /** What genai-prices said when this was written. Where it says anything else by now, it knows something newer, and this is left out. */
    insteadOf: TimedPrices[];
    prices: TimedPrices[];
  }[];
}

const { calendars, workdays, models } = overlay as unknown as Overlay;

export const overlayCalendars: PriceTable['calendars'] = calendars;

export const withOverlay = (providers: readonly PricedProvider[]): PricedProvider[] =>
  providers.map((provider) => ({
    ...provider,
    models: provider.models.map((model) => ({
      ...model,
      prices: replacement(provider, model) ?? model.prices.map((prices) => onWorkdays(provider, prices)),
    })),
  }));

function replacement({ id }: PricedProvider, model: PricedModel): TimedPrices[] | undefined {
  return models.find(
    ({ provider, match, insteadOf }) =>
      provider === id && isSame(match, model.match) && isSame(insteadOf, model.prices),
  )?.prices;
}

function onWorkdays({ id }: PricedProvider, prices: TimedPrices): TimedPrices {
  const rule = workdays.find(
    ({ provider, hours }) => provider === id && hours.some((window) => isSame(window, prices.hours)),
  );
  return rule ? { ...prices, workdaysOf: rule.workdaysOf } : prices;
}

/** Both are data whose keys are in the same order, as the same code made them. */
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Histories that these providers have something newer for: the overlay is due for a look. */
export const unusedHistories = (providers: readonly PricedProvider[]): string[] =>
  models
    .filter(
      (entry) =>
        !providers.some((provider) =>
          provider.models.some((model) => replacement(provider, model) === entry.prices),
        ),
    )
    .map(({ provider, match }) => `${provider} ${JSON.stringify(match)}`);
