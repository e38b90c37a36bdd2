/**
 * The value that an object has under a name from elsewhere; `undefined` where it has none of its own. Plain indexing
 * finds `constructor` and `toString` in every object.
 */
export const ownValue = <Value>(
  object: Readonly<Partial<Record<string, Value>>>,
  name: string,
): Value | undefined => (Object.hasOwn(object, name) ? object[name] : undefined);
