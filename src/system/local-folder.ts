/** Any scheme with a slash: `s3://`, `file:/`; the usual ones without one too. A single letter is a drive of Windows. */
const URL_START = /^(?:[a-z][a-z0-9+.-]+:\/{1,2}|(?:s3|gs|az|https?|file|ftp|hdfs|abfss?):)/i;

/**
 * Says why `text` cannot be a folder of this machine; `null` if it can. Node would take `s3://bucket/out` for the
 * relative path `./s3:/bucket/out`, and results would land there without a word.
 */
export function whyNoLocalFolder(text: string): string | null {
  const scheme = URL_START.exec(text)?.[0];
  if (scheme === undefined) return null;
  return `must be a folder of this machine, got a URL (${scheme}…). URLs are not supported yet: mount the bucket or share, and name its folder`;
}
