import * as z from 'zod';
import { describePath, describeValue, listNames } from './describe-value.ts';
import type { ValuePath } from './describe-value.ts';
import type { Flaw } from './json/find-flaws.ts';

export type Fields = Record<string, unknown>;

const LABEL_CHARACTERS = 256;

/** A text with something in it. Schemas here are worded as what a field "must be". */
export const filledText = (expected: string) =>
  z.string(expected).refine((text) => text.trim() !== '', expected);

/** One line to show on a terminal: 1 to 256 characters. */
export const labelText = (expected: string) =>
  filledText(expected)
    .refine((text) => text.length <= LABEL_CHARACTERS || isShort(text), expected)
    .refine((text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text), 'free of line breaks and control characters');

/** By characters, not by UTF-16 units. */
const isShort = (text: string): boolean =>
  text.length <= 2 * LABEL_CHARACTERS && [...text].length <= LABEL_CHARACTERS;

/** Valid fields in the order of the shape, and at most one problem for each field; a flaw takes precedence. */
export function checkFields<Shape extends z.ZodRawShape>(
  shape: Shape,
  fields: Fields,
  flaws: readonly Flaw[],
): { valid: Partial<z.output<z.ZodObject<Shape>>>; problems: string[] } {
  const problems = new Map<string, string>();
  const addProblem = (path: ValuePath, describe: () => string) => {
    if (!problems.has(keyOf(path))) problems.set(keyOf(path), describe());
  };
  const valid: Fields = {};
  for (const flaw of flaws) addProblem(flaw.path, () => describeFlaw(flaw));
  for (const [name, schema] of Object.entries(shape)) {
    // Most fields are left out in most items.
    if (fields[name] === undefined && schema instanceof z.ZodOptional) continue;
    const result = z.safeParse(schema, fields[name], { error: expectedByType });
    if (result.success) {
      if (result.data !== undefined) valid[name] = result.data;
      continue;
    }
    for (const issue of result.error.issues) {
      const path = [name, ...issue.path];
      addProblem(path, () => describeIssue(issue, path, fields));
    }
  }
  return { valid: valid as Partial<z.output<z.ZodObject<Shape>>>, problems: [...problems.values()] };
}

/** Parts an object's fields. Names are taken as they come, `__proto__` like any other. */
export function splitFields(
  fields: Fields,
  isKnown: (name: string) => boolean,
): { known: Fields; unknown: Fields } {
  const parts: { known: [string, unknown][]; unknown: [string, unknown][] } = { known: [], unknown: [] };
  for (const entry of Object.entries(fields)) {
    if (entry[1] !== undefined) parts[isKnown(entry[0]) ? 'known' : 'unknown'].push(entry);
  }
  return { known: Object.fromEntries(parts.known), unknown: Object.fromEntries(parts.unknown) };
}

/** Parts an item: `fields` is what an object of that name keeps of unknown fields already. */
export function splitItem(raw: Fields, shape: object): { known: Fields; unknown: Fields; fields: Fields } {
  const { fields } = raw;
  if (!isObject(fields)) return { ...splitFields(raw, (name) => Object.hasOwn(shape, name)), fields: {} };
  const { known, unknown } = splitFields(raw, (name) => name === 'fields' || Object.hasOwn(shape, name));
  return { known, unknown, fields };
}

/** Unknown fields, together with those that the input keeps under `name` already, as our own output does. */
export function mergeKept(
  unknown: Fields,
  kept: Fields,
  name: string,
): { merged: Fields; problems: string[] } {
  const twice = Object.keys(kept).filter((field) => Object.hasOwn(unknown, field));
  const problems = twice.length > 0 ? [`has ${listNames(twice)} both beside and in "${name}": keep one`] : [];
  return { merged: { ...kept, ...unknown }, problems };
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function describeFlaw({ path, problem }: Flaw): string {
  return path.length > 0 ? `${describePath(path)} ${problem}` : problem;
}

/** Wording for schemas that bring none of their own. */
function expectedByType(issue: z.core.$ZodRawIssue): string {
  if (issue.code === 'invalid_value')
    return `one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
  if (issue.code === 'invalid_type') return issue.expected === 'object' ? 'an object' : `a ${issue.expected}`;
  return 'valid';
}

function describeIssue(issue: z.core.$ZodIssue, path: ValuePath, fields: Fields): string {
  if (issue.code === 'unrecognized_keys')
    return `${describePath(path)} has the unknown field ${listNames(issue.keys)}`;
  const found = path.reduce<unknown>(
    (value, step) => (value as Record<PropertyKey, unknown> | null)?.[step],
    fields,
  );
  return `${describePath(path)} must be ${issue.message}, got ${describeValue(found)}${hintFor(issue.message, found)}`;
}

function hintFor(expected: string, found: unknown): string {
  const isNumber = typeof found === 'string' && found.trim() !== '' && Number.isFinite(Number(found));
  return isNumber && /^a (whole )?number/.test(expected) ? ' (a string: leave out the quotes)' : '';
}

function keyOf(path: ValuePath): string {
  return JSON.stringify(path.map(String));
}
