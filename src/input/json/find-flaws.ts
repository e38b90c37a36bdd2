import { describeValue } from '../describe-value.ts';
import type { ValuePath } from '../describe-value.ts';

/** Something in a value that could not be stored and given back as it is. */
export interface Flaw {
  path: ValuePath;
  /** Follows the field's name in a message. */
  problem: string;
}

/** Levels of lists and objects a value may have: enough for data, too few to overflow a stack. */
export const MAX_DEPTH = 100;
export const TOO_DEEP = `is nested deeper than ${MAX_DEPTH} levels`;
const MAX_FLAWS = 20;

const loneSurrogate = /\p{Surrogate}/u;

/** Flaws of a value, at most 20 of them. */
export function findFlaws(value: unknown): Flaw[] {
  const flaws: Flaw[] = [];
  visit(value, []);
  return flaws;

  function visit(found: unknown, path: ValuePath): void {
    if (flaws.length >= MAX_FLAWS) return;
    const problem = flawOf(found);
    if (problem) flaws.push({ path, problem });
    else if (path.length >= MAX_DEPTH && typeof found === 'object' && found !== null) {
      flaws.push({ path: path.slice(0, 1), problem: TOO_DEEP });
    } else if (Array.isArray(found)) found.forEach((entry, index) => visit(entry, [...path, index]));
    else if (typeof found === 'object' && found !== null) visitObject(found, path);
  }

  function visitObject(found: object, path: ValuePath): void {
    for (const [name, entry] of Object.entries(found)) {
      const problem = flawOf(name);
      if (problem) flaws.push({ path: [...path, name], problem: `is a name that ${problem}` });
      else visit(entry, [...path, name]);
    }
  }
}

function flawOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return flawOfText(value);
    case 'object':
      return value === null ? undefined : flawOfObject(value);
    case 'number':
      return Number.isFinite(value) ? undefined : `is ${value}, which JSON cannot hold`;
    case 'bigint':
    case 'function':
    case 'symbol':
      return `is ${typeof value === 'bigint' ? 'a bigint' : describeValue(value)}, which JSON cannot hold`;
    default:
      return undefined;
  }
}

function flawOfText(text: string): string | undefined {
  const half = loneSurrogate.exec(text)?.[0];
  if (half === undefined) return undefined;
  const code = half.charCodeAt(0).toString(16);
  return `holds \\u${code}, half a character: it cannot be written as UTF-8, remove it or add its other half`;
}

function flawOfObject(value: object): string | undefined {
  if (Array.isArray(value) || 'toJSON' in value) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return plain ? undefined : `is a ${value.constructor.name}, which JSON cannot hold`;
}
