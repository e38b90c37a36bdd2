import * as z from 'zod';
import { readReport, ReportError, type ReportPart } from '../../report/read-report.ts';
import type { ReportSummary } from '../../report/summary.ts';

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

/** A results file, read along with the prompts of its batch. All of it throws {@link ReportError}. */
export interface OpenReport {
  summary: ReportSummary;
  /** The next result; `null` after the last. */
  next(): Promise<FoundResult | null>;
  /** Takes a prompt's requests out of `possibly_paid`. Prompts are asked for in the order of the file. */
  possiblyPaidBy(promptId: string): Promise<FoundRequest[]>;
  /** What was not taken out of `possibly_paid`. */
  possiblyPaidByOthers(): AsyncGenerator<FoundRequest>;
  close(): Promise<void>;
}

/** Throws {@link ReportError}. */
export async function openReport(file: string): Promise<OpenReport> {
  const results = readReport(file);
  const requests = new RequestWindow(requestsOf(file));
  let summary: ReportSummary | null = null;
  let count = 0;

  const step = async (): Promise<ReportPart | null> => {
    for (;;) {
      const { value: part, done } = await results.next();
      if (done) return null;
      if (part.field === 'results') return part;
      if (part.field === 'summary')
        summary = checked(file, summarySchema, part.value, 'summary') as unknown as ReportSummary;
    }
  };

  let ahead = await step();
  if (!summary) throw new ReportError(`the report ${file} has no summary before its results`);
  return {
    summary,
    next: async () => {
      const part = ahead;
      if (!part) return null;
      ahead = await step();
      count++;
      return checked(file, resultSchema, part.value, `result ${count}`);
    },
    possiblyPaidBy: (promptId) => requests.take(promptId),
    possiblyPaidByOthers: () => requests.rest(),
    close: async () => {
      await results.return(undefined);
      await requests.close();
    },
  };
}

/** The list stands before the results: a reader of its own walks through it in step with them. */
async function* requestsOf(file: string): AsyncGenerator<FoundRequest> {
  for await (const { field, value } of readReport(file)) {
    if (field === 'possibly_paid') yield checked(file, requestSchema, value, 'possibly_paid');
    if (field === 'results') return;
  }
}

/** Requests looked at ahead of their prompt: enough that a few strangers in between block nothing. */
const WINDOW = 1000;

/** The next requests of a list that is in the order of the prompts. */
class RequestWindow {
  readonly #requests: AsyncGenerator<FoundRequest>;
  /** By prompt id. */
  readonly #window = new Map<string, FoundRequest[]>();
  #held = 0;
  #atEnd = false;

  constructor(requests: AsyncGenerator<FoundRequest>) {
    this.#requests = requests;
  }

  async take(promptId: string): Promise<FoundRequest[]> {
    const taken: FoundRequest[] = [];
    for (;;) {
      await this.#fill();
      const found = this.#window.get(promptId);
      if (!found) return taken;
      this.#window.delete(promptId);
      this.#held -= found.length;
      taken.push(...found);
    }
  }

  async *rest(): AsyncGenerator<FoundRequest> {
    for (const held of this.#window.values()) yield* held;
    yield* this.#requests;
  }

  async close(): Promise<void> {
    await this.#requests.return(undefined);
  }

  async #fill(): Promise<void> {
    while (!this.#atEnd && this.#held < WINDOW) {
      const { value, done } = await this.#requests.next();
      if (done) {
        this.#atEnd = true;
        return;
      }
      const others = this.#window.get(value.prompt_id);
      if (others) others.push(value);
      else this.#window.set(value.prompt_id, [value]);
      this.#held++;
    }
  }
}

function checked<T>(file: string, schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ReportError(
    `the report ${file} is not as durabatch writes it: ${what}: ${issue?.path.join('.')}: ${issue?.message}`,
  );
}
