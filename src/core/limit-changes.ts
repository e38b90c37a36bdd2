/** What may be told to an open batch through Temporal, beside who asks for it. */
import type { Addition } from './batch-layout.ts';
import { type LimitChanges, MAX_WORKERS } from './settings.ts';
import {
  type Is,
  isEither,
  isFlag,
  isNumber,
  isOneOf,
  isShape,
  isText,
  isWhole,
  MAX_TEXT,
  orNull,
} from './shape.ts';

/** As the flags have it: timers overflow beyond. */
const MAX_PATIENCE_MS = 24 * 24 * 3_600_000;

const isRate = orNull(isWhole(1));
const hasRate: Is = (account) => {
  const { requestsPerMinute, tokensPerMinute } = account as Record<string, unknown>;
  return requestsPerMinute !== null || tokensPerMinute !== null;
};
const isAccountShape = isShape(
  { name: isText(MAX_TEXT, 1), requestsPerMinute: isRate, tokensPerMinute: isRate },
  { setAt: isWhole() },
);

/** What may be set of a batch through Temporal, and how a value is refused. Everything else is only in its manifest. */
const settable: Readonly<Record<string, readonly [Is, string]>> = {
  maxWorkers: [isWhole(1, MAX_WORKERS), `max workers must be a whole number from 1 to ${MAX_WORKERS}`],
  autoWorkers: [isFlag, 'auto workers must be true or false'],
  maxCostNanoUsd: [orNull(isWhole(1)), 'a cost cap must be above 0'],
  patienceMs: [isNumber(0, MAX_PATIENCE_MS), `patience must be 0 to ${MAX_PATIENCE_MS} milliseconds`],
  maxFailures: [
    isEither(isOneOf(null), isShape({ count: isWhole() }), isShape({ share: isNumber(0, 1) })),
    'max failures must be a count of 0 or more, or a share from 0 to 1',
  ],
  account: [
    orNull((account) => isAccountShape(account) && hasRate(account)),
    'an account must have a name, and requests or tokens a minute that are whole numbers of 1 or more',
  ],
};

/** Why limits cannot be changed so; `null`: they can. */
export function faultOf(changes: LimitChanges): string | null {
  if (typeof changes !== 'object' || changes === null) return 'there is nothing to set';
  const entries = Object.entries(changes).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return 'there is nothing to set';
  for (const [name, value] of entries) {
    const row = Object.hasOwn(settable, name) ? settable[name] : undefined;
    if (!row) return `${JSON.stringify(name.slice(0, 80))} cannot be set of an open batch`;
    const [is, fault] = row;
    if (!is(value)) return fault;
  }
  return null;
}

/** Without a stage where the same prompts were taken in before. */
export const isAddition: (addition: Addition) => boolean = isShape({
  stage: isText(100),
  sha256: isText(64, 1, /^\w+$/),
});
