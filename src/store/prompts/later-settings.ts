/** Settings of requests that came after the first version of the input hash. */
import { canonicalJson } from './canonical-json.ts';

/**
 * The value of each that changes nothing. A setting that is added to `RequestSettings` is added here too: then batches
 * made before it keep their hash, and requests keep their key, as long as nobody uses it.
 */
const LATER_DEFAULTS: Readonly<Record<string, unknown>> = {};

/** Leaves out the settings that are unset or at their default. */
export function withoutDefaults(
  settings: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>> = LATER_DEFAULTS,
): Record<string, unknown> {
  const isDefault = ([name, value]: [string, unknown]): boolean =>
    value === undefined ||
    (Object.hasOwn(defaults, name) && canonicalJson(value) === canonicalJson(defaults[name]));
  return Object.fromEntries(Object.entries(settings).filter((entry) => !isDefault(entry)));
}
