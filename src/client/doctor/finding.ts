export type Verdict = 'ok' | 'warning' | 'failed';

/** What a check has found, and what to do where it is not right. */
export interface Finding {
  verdict: Verdict;
  found: string;
  advice: string | null;
}

export const ok = (found: string): Finding => ({ verdict: 'ok', found, advice: null });
export const warning = (found: string, advice: string): Finding => ({ verdict: 'warning', found, advice });
export const failed = (found: string, advice: string): Finding => ({ verdict: 'failed', found, advice });
