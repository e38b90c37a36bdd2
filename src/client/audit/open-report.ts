import { z } from 'zod';
import type { ReportSummary } from '../../report/summary.ts';
import { readReport, ReportError, type ReportPart } from './read-report.ts';

const summarySchema = z.looseObject({ timestamp: z.string(), batch_id: z.string(), state: z.string() });
const requestSchema = z.looseObject({ record_id: z.string(), prompt_id: z.string() });
const recordsSchema = z.array(z.looseObject({ record_id: z.string() }));
const resultSchema = z.looseObject({
  prompt_id: z.string(),
  completions: recordsSchema,
  discarded_answers: recordsSchema.optional(),
});

export type FoundResult = z.output<typeof resultSchema>;
export type FoundRequest = z.output<typeof requestSchema>;

/** A results file read up to its first result. */
export interface OpenReport {
  summary: ReportSummary;
  /** By prompt id. */
  possiblyPaid: Map<string, FoundRequest[]>;
  /** The next result; `null` after the last. Throws {@link ReportError}. */
  next(): Promise<FoundResult | null>;
  close(): Promise<void>;
}

/** Throws {@link ReportError}. */
export async function openReport(file: string): Promise<OpenReport> {
  const parts = readReport(file);
  const possiblyPaid = new Map<string, FoundRequest[]>();
  let summary: ReportSummary | null = null;
  let count = 0;
  let ahead: ReportPart | null = null;

  const check = <T>(schema: z.ZodType<T>, value: unknown, what: string): T => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new ReportError(
      `the report ${file} is not as durabatch writes it: ${what}: ${issue?.path.join('.')}: ${issue?.message}`,
    );
  };

  /** The next part that is a result, all others taken in; `null` at the end. */
  const step = async (): Promise<ReportPart | null> => {
    for (;;) {
      const { value: part, done } = await parts.next();
      if (done) return null;
      if (part.field === 'results') return part;
      if (part.field === 'summary')
        summary = check(summarySchema, part.value, 'summary') as unknown as ReportSummary;
      if (part.field === 'possibly_paid') {
        const request = check(requestSchema, part.value, 'possibly_paid');
        const others = possiblyPaid.get(request.prompt_id);
        if (others) others.push(request);
        else possiblyPaid.set(request.prompt_id, [request]);
      }
    }
  };

  ahead = await step();
  if (!summary) throw new ReportError(`the report ${file} has no summary before its results`);
  return {
    summary,
    possiblyPaid,
    next: async () => {
      const part = ahead;
      if (!part) return null;
      ahead = await step();
      count++;
      return check(resultSchema, part.value, `result ${count}`);
    },
    close: async () => void (await parts.return(undefined)),
  };
}
