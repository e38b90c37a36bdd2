/** Any scheme: `s3://`, `gs://`, `file://`. On Windows a single letter is a drive. */
const URL_START = process.platform === 'win32' ? /^[a-z][a-z0-9+.-]+:\/\//i : /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * Says why `text` cannot be a folder of this machine; `null` if it can. Node would take `s3://bucket/out` for the
 * relative path `./s3:/bucket/out`, and results would land there without a word.
 */
export function whyNoLocalFolder(text: string): string | null {
  const scheme = URL_START.exec(text)?.[0];
  if (scheme === undefined) return null;
  return `must be a folder of this machine, got a URL (${scheme}…). URLs are not supported yet: mount the bucket or share, and name its folder`;
}
