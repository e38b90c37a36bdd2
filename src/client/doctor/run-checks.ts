import { type Finding, failed } from './finding.ts';

export const checkNames = {
  node: 'Node',
  build: 'Build',
  temporal: 'Temporal',
  api_key: 'API key',
  provider: 'Provider',
  clock: 'Clock',
  prices: 'Prices',
  output_folder: 'Output folder',
  state_folder: 'State folder',
  terminal: 'Terminal',
} as const;
export type CheckName = keyof typeof checkNames;

/** One thing to look at. Its signal is aborted when it has taken too long. */
export type Check = (signal: AbortSignal) => Finding | Promise<Finding>;

export interface Diagnosis {
  check: CheckName;
  finding: Finding;
  /** It was given up, and may still hold something open. */
  timedOut: boolean;
}

/** All at once, in their order. One that throws or hangs has failed, and hides none of the others. */
export const runChecks = (
  checks: Readonly<Record<CheckName, Check>>,
  timeoutMs: number,
): Promise<Diagnosis[]> =>
  Promise.all(
    (Object.keys(checkNames) as CheckName[]).map((check) => runCheck(check, checks[check], timeoutMs)),
  );

async function runCheck(check: CheckName, look: Check, timeoutMs: number): Promise<Diagnosis> {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Diagnosis>((resolve) => {
    timer = setTimeout(() => {
      stop.abort();
      const finding = failed(
        `no answer within ${timeoutMs / 1000} s`,
        'Something hangs: a dead network drive, a firewall, a busy machine. Look at that, and try again.',
      );
      resolve({ check, finding, timedOut: true });
    }, timeoutMs);
  });
  const found = (async () => ({ check, finding: await look(stop.signal), timedOut: false }))().catch(
    (error: unknown) => ({
      check,
      finding: failed(
        error instanceof Error ? error.message : String(error),
        'Put that right, and try again.',
      ),
      timedOut: false,
    }),
  );
  return Promise.race([found, late]).finally(() => clearTimeout(timer));
}
