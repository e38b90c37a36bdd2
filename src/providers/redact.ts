/** Keys shorter than this are placeholders of local servers (`none`, `ollama`), and ordinary words. */
const SHORTEST_SECRET = 8;

/** The text without this very key, as it is and as a part of an address. */
export const withoutKey = (text: string, apiKey: string | null): string =>
  apiKey === null || apiKey.length < SHORTEST_SECRET
    ? text
    : text.replaceAll(apiKey, '[redacted]').replaceAll(encodeURIComponent(apiKey), '[redacted]');

/** The text without this key, and without anything that looks like one: providers echo what they refuse. */
export const redact = (text: string, apiKey: string | null): string =>
  withoutKey(text, apiKey)
    .replace(/\bBearer\s+[^\s"',;]+/gi, 'Bearer [redacted]')
    .replace(/\bsk-[\w*.-]{4,}/g, '[redacted]');
