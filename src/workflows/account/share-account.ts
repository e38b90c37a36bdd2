/** Who may send how fast: shares what one account allows between batches, and a batch's part between its processes. */
import type { AccountView, Lease, LeaseRequest, PermitKind, Rates } from '../../core/lease.ts';

/**
 * How much of a limit is leased. What arrives at the provider is never as even as what was sent, and each
 * process may be one permit ahead.
 */
export const LEASED_SHARE = 0.98;
/** Long enough for a server that is started again, short enough to do without what a dead process held. */
export const LEASE_MS = 7000;
const ASK_AGAIN_MS = 2000;
/** Where others share the account: what they give back shall not lie idle. */
const ASK_AGAIN_SHARED_MS = 1000;
/** For one that has less than its part, and for one that hands over: that is done only when it asks again. */
const ASK_AGAIN_SOON_MS = 500;

/** One process on one batch. */
export interface Holder extends Pick<LeaseRequest, 'worker' | 'batchId' | 'limits' | 'wants'> {
  /** Those it may be using: of two, the later one may not have reached it. */
  leases: { version: number; rates: Rates; until: number }[];
}

export interface AccountState {
  holders: readonly Holder[];
  /** Version of the newest lease. */
  version: number;
}

export const NEW_ACCOUNT: AccountState = { holders: [], version: 0 };

/** `now`: ms since 1970. At no time do all leases that may be in use come to more than the account allows. */
export function withLease(
  state: AccountState,
  { dead, seen, ...asking }: LeaseRequest,
  now: number,
): { state: AccountState; lease: Lease } {
  const present = state.holders
    .map((holder) => unexpired(holder, now))
    .filter((holder) => holder.leases.length > 0 && !dead.includes(holder.worker));
  const others = present.filter((holder) => !isSame(holder, asking));
  const before = present.find((holder) => isSame(holder, asking))?.leases ?? [];
  const asker: Holder = { ...asking, leases: before.filter(({ version }) => version >= seen) };
  const holders = [...others, asker];
  const limits = limitsOf(holders);
  const version = state.version + 1;
  const requests = partOf('requests', holders, asker, limits);
  const tokens = partOf('tokens', holders, asker, limits);
  const rates: Rates = { requests: requests.rate, tokens: tokens.rate };
  const fair: Rates = { requests: requests.fair, tokens: tokens.fair };
  const isShort = requests.isShort || tokens.isShort;
  const handsOver = asker.leases.some((held) =>
    [requests, tokens].some(
      ({ kind, rate }) => rate !== null && (held.rates[kind] ?? Infinity) > rate * 1.05,
    ),
  );
  asker.leases.push({ version, rates, until: now + LEASE_MS });
  const calmMs = others.length > 0 ? ASK_AGAIN_SHARED_MS : ASK_AGAIN_MS;
  return {
    state: { holders, version },
    lease: {
      version,
      rates,
      fair,
      validMs: LEASE_MS,
      askAgainMs: isShort || handsOver ? ASK_AGAIN_SOON_MS : calmMs,
      limits,
      batches: new Set(holders.map(({ batchId }) => batchId)).size,
      inTheWay: isShort ? [...new Set(others.map(({ worker }) => worker))] : [],
    },
  };
}

/** Without one that gives its lease back. */
export const withoutHolder = (
  state: AccountState,
  leaving: Pick<Holder, 'worker' | 'batchId'>,
): AccountState => ({ ...state, holders: state.holders.filter((holder) => !isSame(holder, leaving)) });

export function accountView({ holders }: AccountState, now: number): AccountView {
  const present = holders.map((holder) => unexpired(holder, now)).filter(({ leases }) => leases.length > 0);
  return {
    limits: limitsOf(present),
    batches: [...new Set(present.map(({ batchId }) => batchId))].map((batchId) => {
      const own = present.filter((holder) => holder.batchId === batchId);
      const rateOf = (kind: PermitKind): number | null =>
        sumOrNull(own.map(({ leases }) => leases.at(-1)!.rates[kind]));
      return {
        batchId,
        limits: limitsOf(own),
        rates: { requests: rateOf('requests'), tokens: rateOf('tokens') },
      };
    }),
  };
}

interface Part {
  kind: PermitKind;
  rate: number | null;
  fair: number | null;
  isShort: boolean;
}

/** What one holder gets of one kind: its part, as far as others do not hold it. */
function partOf(kind: PermitKind, holders: readonly Holder[], asker: Holder, limits: Rates): Part {
  const limit = limits[kind];
  if (limit === null) return { kind, rate: null, fair: null, isShort: false };
  const leased = limit * LEASED_SHARE;
  const others = holders.filter((holder) => holder !== asker);
  const held = sum(others.map((holder) => heldRate(holder, kind, leased)));
  const part = shareOf(kind, holders, asker, leased);
  const rate = Math.max(0, Math.min(part, leased - held));
  const eager = { ...asker, wants: { requests: null, tokens: null } };
  const fair = shareOf(kind, [...others, eager], eager, leased);
  return { kind, rate, fair, isShort: rate < part * 0.99 };
}

/** Shared between batches first, then between the processes of the batch. */
function shareOf(kind: PermitKind, holders: readonly Holder[], asker: Holder, total: number): number {
  const batches = [...new Set(holders.map(({ batchId }) => batchId))];
  const wantsOf = (batchId: string): (number | null)[] =>
    holders.filter((holder) => holder.batchId === batchId).map(({ wants }) => wants[kind]);
  const ofBatches = shares(
    batches.map((batchId) => sumOrNull(wantsOf(batchId))),
    total,
  );
  const members = holders.filter(({ batchId }) => batchId === asker.batchId);
  const ofMembers = shares(
    members.map(({ wants }) => wants[kind]),
    ofBatches[batches.indexOf(asker.batchId)]!,
  );
  return ofMembers[members.indexOf(asker)]!;
}

/**
 * Where not all can have what they want, nobody gets more than that, and of the rest nobody less than another.
 * What nobody wants is dealt out all the same, evenly: wants may rise before they are told. `null`: whatever there is.
 */
export function shares(wants: readonly (number | null)[], total: number): number[] {
  const dealt = wants.map(() => 0);
  const amount = (at: number): number => wants[at] ?? Number.POSITIVE_INFINITY;
  const modestFirst = [...wants.keys()].sort((a, b) => compare(amount(a), amount(b)));
  let left = total;
  modestFirst.forEach((at, served) => {
    dealt[at] = Math.min(amount(at), left / (wants.length - served));
    left -= dealt[at];
  });
  return dealt.map((share) => share + left / wants.length);
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

/** What it may be using at most. A lease of a time without a limit counts as all there is now. */
const heldRate = ({ leases }: Holder, kind: PermitKind, all: number): number =>
  Math.max(0, ...leases.map(({ rates }) => rates[kind] ?? all));

/** The lowest that anybody names. */
function limitsOf(holders: readonly Holder[]): Rates {
  const lowest = (kind: PermitKind): number | null => {
    const named = holders.flatMap(({ limits }) => limits[kind] ?? []);
    return named.length > 0 ? Math.min(...named) : null;
  };
  return { requests: lowest('requests'), tokens: lowest('tokens') };
}

const isSame = (a: Pick<Holder, 'worker' | 'batchId'>, b: Pick<Holder, 'worker' | 'batchId'>): boolean =>
  a.worker === b.worker && a.batchId === b.batchId;

const unexpired = (holder: Holder, now: number): Holder => ({
  ...holder,
  leases: holder.leases.filter(({ until }) => until > now),
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const sumOrNull = (numbers: readonly (number | null)[]): number | null =>
  numbers.some((each) => each === null) ? null : sum(numbers as readonly number[]);
