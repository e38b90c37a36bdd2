/**
 * What a value from outside must be, as tables of fields: whoever reaches the Temporal server may send anything. The
 * bundle of the workflows has no room for zod.
 */

export type Is = (value: unknown) => boolean;

export const isFlag: Is = (value) => typeof value === 'boolean';

/** Longest name, id or reason that is taken, in characters. A manifest takes as much. */
export const MAX_TEXT = 1000;

export const isFinite: Is = (value) => Number.isFinite(value);

export const isWhole =
  (least = 0, most = Number.MAX_SAFE_INTEGER): Is =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;

export const isNumber =
  (least: number, most: number): Is =>
  (value) =>
    Number.isFinite(value) && (value as number) >= least && (value as number) <= most;

/** Of `least` to `most` characters; all of the pattern, where there is one. */
export const isText =
  (most = MAX_TEXT, least = 0, pattern = /^/): Is =>
  (value) =>
    typeof value === 'string' && value.length >= least && value.length <= most && pattern.test(value);

const isTimeText = isText(40, 20, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);

/** A moment in ISO 8601, UTC. */
export const isMoment: Is = (value) => isTimeText(value) && !Number.isNaN(Date.parse(value as string));

export const isOneOf =
  (...values: readonly unknown[]): Is =>
  (value) =>
    values.includes(value);

export const orNull =
  (is: Is): Is =>
  (value) =>
    value === null || is(value);

export const isEither =
  (...all: readonly Is[]): Is =>
  (value) =>
    all.some((is) => is(value));

export const isListOf =
  (is: Is, most: number): Is =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every((item) => is(item));

/** An object whose fields may have any names. */
export const isRecordOf =
  (is: Is): Is =>
  (value) =>
    isLike({})(value) && Object.values(value as object).every(is);

type Fields = Readonly<Record<string, Is>>;

/** Has these fields, the optional ones only where they are not `undefined`, and no others. */
export const isShape =
  (fields: Fields, optional: Fields = {}): Is =>
  (value) =>
    hasFields(value, fields, optional) &&
    Object.keys(value as object).every(
      (name) => Object.hasOwn(fields, name) || Object.hasOwn(optional, name),
    );

/** As {@link isShape}, and may have others: what a later version of this tool adds to its own messages. */
export const isLike =
  (fields: Fields, optional: Fields = {}): Is =>
  (value) =>
    hasFields(value, fields, optional);

function hasFields(value: unknown, fields: Fields, optional: Fields): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const found = value as Record<string, unknown>;
  const isMissing = (name: string): boolean => !Object.hasOwn(found, name) || found[name] === undefined;
  return (
    Object.entries(fields).every(([name, is]) => !isMissing(name) && is(found[name])) &&
    Object.entries(optional).every(([name, is]) => isMissing(name) || is(found[name]))
  );
}
