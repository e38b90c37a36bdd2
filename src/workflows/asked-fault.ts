import type { Asked } from '../core/progress.ts';
import { isShape, isText, orNull } from '../core/shape.ts';

/** Both are shown on the page and kept in memo and manifest. */
const MOST_CHARACTERS = 1000;
const isShortText = isText(MOST_CHARACTERS);
const isAsked = isShape({ by: isShortText }, { reason: orNull(isShortText) });

/** Why nobody can have asked so; `null`: somebody can. Whoever has the Temporal CLI may send anything. */
export function faultOfAsked(asked: Asked | null | undefined): string | null {
  if (asked === null || asked === undefined || isAsked(asked)) return null;
  const { by, reason } = asked as { by: unknown; reason?: unknown };
  if (!isShortText(by)) return `"by" must be a text of at most ${MOST_CHARACTERS} characters`;
  if (reason !== null && reason !== undefined && !isShortText(reason))
    return `"reason" must be a text of at most ${MOST_CHARACTERS} characters, or null`;
  return 'who asks must be told by "by" and "reason" alone';
}
