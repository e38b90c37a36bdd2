/** Where two JSON values differ, and in what. */
export interface JsonDifference {
  /** `''` for the whole value. */
  path: string;
  /** `undefined`: not there. */
  expected: unknown;
  found: unknown;
}

export function jsonDifferences(expected: unknown, found: unknown, path = ''): JsonDifference[] {
  if (isContainer(expected) && isContainer(found) && Array.isArray(expected) === Array.isArray(found)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
    return [...names].flatMap((name) =>
      jsonDifferences(ownValue(expected, name), ownValue(found, name), pathTo(path, name, expected)),
    );
  }
  return Object.is(expected, found) ? [] : [{ path, expected, found }];
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Names are taken as they come, `__proto__` like any other. */
const ownValue = (container: object, name: string): unknown =>
  Object.getOwnPropertyDescriptor(container, name)?.value;

const pathTo = (path: string, name: string, container: object): string =>
  Array.isArray(container) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;

/** How many values are compared that hold no others. */
export const leafCount = (value: unknown): number =>
  isContainer(value) ? Object.values(value).reduce<number>((sum, each) => sum + leafCount(each), 0) : 1;
