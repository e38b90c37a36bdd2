import { MAX_VALUE_CHARACTERS } from './json-value.ts';

export interface Layout {
  layout: 'json' | 'json-lines';
  /** The whole text again: what was looked at, then the rest. */
  text: AsyncGenerator<string, void, undefined>;
}

/**
 * JSON Lines by extension (.jsonl, .ndjson), or where a first line that is one whole object or
 * string is followed by more.
 */
export async function detectLayout(
  file: string,
  text: AsyncGenerator<string, void, undefined>,
): Promise<Layout> {
  if (/\.(jsonl|ndjson)$/i.test(file)) return { layout: 'json-lines', text };
  let seen = '';
  let verdict = judge(seen);
  while (verdict === 'more' && seen.length < MAX_VALUE_CHARACTERS) {
    const next = await text.next();
    if (next.done) break;
    seen += next.value;
    verdict = judge(seen);
  }
  return { layout: verdict === 'json-lines' ? 'json-lines' : 'json', text: rejoin(seen, text) };
}

function judge(seen: string): 'json' | 'json-lines' | 'more' {
  const start = seen.search(/\S/);
  if (start < 0) return 'more';
  if (seen[start] !== '{' && seen[start] !== '"') return 'json';
  const end = seen.indexOf('\n', start);
  if (end < 0) return 'more';
  if (!isWholeValue(seen.slice(start, end))) return 'json';
  return /\S/.test(seen.slice(end)) ? 'json-lines' : 'more';
}

function isWholeValue(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

async function* rejoin(seen: string, rest: AsyncGenerator<string, void, undefined>) {
  try {
    if (seen !== '') yield seen;
    yield* rest;
  } finally {
    await rest.return();
  }
}
