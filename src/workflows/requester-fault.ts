import type { Requester } from '../core/progress.ts';
import { isShape, isText, MAX_TEXT, orNull } from '../core/shape.ts';

/** Both are shown on the page and kept in memo and manifest. */
const isShortText = isText();
const isRequester = isShape({ by: isShortText }, { reason: orNull(isShortText) });

/** Why this is no valid requester; `null` if it is one. Whoever has the Temporal CLI may send anything. */
export function requesterFault(requester: Requester | null | undefined): string | null {
  if (requester === null || requester === undefined || isRequester(requester)) return null;
  const { by, reason } = requester as { by: unknown; reason?: unknown };
  if (!isShortText(by)) return `"by" must be a text of at most ${MAX_TEXT} characters`;
  if (reason !== null && reason !== undefined && !isShortText(reason))
    return `"reason" must be a text of at most ${MAX_TEXT} characters, or null`;
  return 'who asks must be told by "by" and "reason" alone';
}
