/** The id of an item: `prompt_id`, or as other tools call it. */
import type { PromptItem } from '../core/prompt.ts';
import type { Fields } from './check-fields.ts';
import { quoteText } from './describe-value.ts';
import { promptId } from './prompt-fields.ts';

const names = ['prompt_id', 'custom_id', 'id'] as const;
export type IdName = (typeof names)[number];

/** The name that belongs to the item's form counts. Without it, an item may have several others if they say the same. */
export const idShape = {
  prompt_id: promptId.optional(),
  custom_id: promptId.optional(),
  id: promptId.optional(),
};

export const hasId = (fields: Fields): boolean => names.some((name) => Object.hasOwn(fields, name));

/**
 * Moves names of the id from the unknown fields to the known ones. One that is `null` names nothing, and stays; so does one
 * that says something else than `own`, the name in the item's form: it is a field of the user, as it was to version 0.1.0.
 */
export function takeIds(
  { known, unknown }: { known: Fields; unknown: Fields },
  own: IdName,
): {
  known: Fields;
  unknown: Fields;
  /** What was moved, as it was written. */
  ids: Fields;
} {
  const ownId = known[own] ?? unknown[own];
  const isId = ([name, value]: [string, unknown]): boolean =>
    Object.hasOwn(idShape, name) &&
    value !== null &&
    (ownId === undefined || ownId === null || name === own || isSameId(value, ownId));
  const ids = Object.fromEntries(Object.entries(unknown).filter(isId));
  const rest = Object.fromEntries(Object.entries(unknown).filter((entry) => !isId(entry)));
  return { known: { ...known, ...ids }, unknown: rest, ids };
}

const isSameId = (value: unknown, other: unknown): boolean => {
  const [id, otherId] = [promptId.safeParse(value), promptId.safeParse(other)];
  return id.success && otherId.success && id.data === otherId.data;
};

/** The id that the valid ones of these fields give, and a problem where they differ. */
export function chooseId(valid: { [Name in IdName]?: string | undefined }): {
  id?: string;
  name?: IdName;
  problems: string[];
} {
  const given = names.filter((name) => valid[name] !== undefined);
  const [name] = given;
  if (name === undefined) return { problems: [] };
  const id = valid[name]!;
  const other = given.find((each) => valid[each] !== id);
  if (other === undefined) return { id, name, problems: [] };
  return {
    problems: [
      `has "${name}" ${quoteText(id)} and "${other}" ${quoteText(valid[other]!)}: both are its id; keep one of them`,
    ],
  };
}

/** An item as versions up to 0.1.0 took it in. */
export interface EarlierItem {
  item: PromptItem;
  /** Its id came from its position. */
  isNumbered: boolean;
}

/** To them the other names of the id were fields of the user, kept under `fields`. */
export function earlierItem(
  item: PromptItem,
  otherIds: Fields,
  { prompt_id, isNumbered }: { prompt_id: string; isNumbered: boolean },
): { earlier?: EarlierItem } {
  if (Object.keys(otherIds).length === 0) return {};
  const fields = { ...item.fields, ...otherIds };
  return { earlier: { item: { ...item, prompt_id, fields }, isNumbered } };
}
