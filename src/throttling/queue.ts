/** Who comes after whom at an account's gate: first come, first served, also for those that went away until their turn is near. */

/** An absent prompt that is later than this has lost its place. */
const KEPT_MS = 15_000;

export interface Place {
  /** Of two, the lower one comes first. */
  number: number;
  promptId: string | undefined;
  mostTokens: number;
  /** It stands at the gate. */
  isHere: boolean;
  /** When an absent one is expected; in ms of a monotonic clock. */
  dueAt: number;
}

export interface Queue {
  /** Whether anybody is here, or expected before this time. */
  isAwaited(before: number): boolean;
  /** The first one that stands at the gate. */
  first(): Place | undefined;
  /** A prompt that is expected gets the place that was kept for it. */
  join(promptId: string | undefined, mostTokens: number, now: number): Place;
  /** It will be back about then. Who is late loses its place. */
  keep(place: Place, dueAt: number): void;
  leave(place: Place): void;
  /** Those before it. */
  before(place: Place, now: number): { requests: number; mostTokens: number };
}

export function createQueue(): Queue {
  /** In order of their numbers, but for those whose place was kept after they had passed. */
  const places = new Set<Place>();
  const kept = new Map<string, Place>();
  let last = 0;

  const leave = (place: Place): void => {
    places.delete(place);
    if (place.promptId !== undefined && kept.get(place.promptId) === place) kept.delete(place.promptId);
  };

  const dropLost = (now: number): void => {
    for (const place of kept.values()) if (!place.isHere && place.dueAt + KEPT_MS < now) leave(place);
  };

  return {
    isAwaited: (before) => {
      for (const { isHere, dueAt } of places) if (isHere || dueAt < before) return true;
      return false;
    },
    first: () => {
      let first: Place | undefined;
      for (const place of places)
        if (place.isHere && place.number < (first?.number ?? Infinity)) first = place;
      return first;
    },
    join: (promptId, mostTokens, now) => {
      dropLost(now);
      const old = promptId === undefined ? undefined : kept.get(promptId);
      if (old && !old.isHere) {
        kept.delete(old.promptId!);
        old.isHere = true;
        old.mostTokens = mostTokens;
        return old;
      }
      const place = { number: ++last, promptId, mostTokens, isHere: true, dueAt: now };
      places.add(place);
      return place;
    },
    keep: (place, dueAt) => {
      place.isHere = false;
      place.dueAt = dueAt;
      if (place.promptId === undefined) return leave(place);
      places.add(place);
      kept.set(place.promptId, place);
    },
    leave,
    before: (place, now) => {
      dropLost(now);
      const ahead = { requests: 0, mostTokens: 0 };
      for (const { number, mostTokens } of places) {
        if (number >= place.number) continue;
        ahead.requests++;
        ahead.mostTokens += mostTokens;
      }
      return ahead;
    },
  };
}
