import { failed, type Finding, ok } from './finding.ts';

/** `wanted`: as `engines` in package.json has it, like `>=20.6`. */
export function checkNode(version: string, wanted: string): Finding {
  const least = /^>=(\d+)\.(\d+)/.exec(wanted);
  const found = /^v?(\d+)\.(\d+)/.exec(version);
  const [leastMajor, leastMinor] = [Number(least?.[1] ?? 0), Number(least?.[2] ?? 0)];
  const [major, minor] = [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)];
  const text = `${version} on ${process.platform} ${process.arch}`;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return ok(text);
  return failed(
    `${text}, but ${wanted} is needed`,
    `Install Node ${leastMajor}.${leastMinor} or newer (https://nodejs.org).`,
  );
}
