/** Recomputes a batch from its ledger and compares that with what its report and its workflow say. */
import { ReportError, reportIn } from '../../report/read-report.ts';
import { counted, emptyTally, type Tally } from '../../report/tally/tally.ts';
import { completionsOf, type PromptReading, readShardPrompts } from '../../store/ledger/batch-reading.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest, ManifestRun } from '../../store/manifest/manifest.ts';
import { readRunPrices } from '../../store/manifest/run-prices.ts';
import { type Check, type Difference, Findings } from './findings.ts';
import { jsonDifferences, leafCount } from './json-differences.ts';
import { checkLedger } from './ledger-check.ts';
import { type OpenReport, openReport } from './open-report.ts';
import { checkPrompt } from './prompt-check.ts';
import { ReceiptWalk } from './receipt-walk.ts';
import { checkOutcome, checkSummary } from './summary-check.ts';
import type { WorkflowRecords } from './workflow-receipts.ts';

export interface Audit {
  batchId: string;
  /** `null` where the batch has none yet. */
  reportFile: string | null;
  checks: Check[];
  /** How many there are; the first 1,000 are in `differences`. */
  total: number;
  differences: Difference[];
  /** What could not be compared and why, and what explains itself. */
  notes: string[];
}

type ReportedRun = ManifestRun & Required<Pick<ManifestRun, 'outcome'>>;

/** `workflow`: what the server has, or why there is nothing. Changes nothing. Throws `ForeignLedgerError`. */
export async function auditBatch(store: BatchStore, workflow: WorkflowRecords | string): Promise<Audit> {
  const findings = new Findings();
  const notes: string[] = [];
  const manifest = await store.readManifest();
  const run = manifest.runs.findLast((each): each is ReportedRun => each.outcome !== undefined) ?? null;
  const reportFile = run && reportIn(store.location.outputDir, run.outcome.resultsFile);
  if (!run) notes.push('The batch has no report yet: only the ledger itself and the workflow are compared.');

  const records = typeof workflow === 'string' ? null : workflow;
  if (typeof workflow === 'string') notes.push(`The workflow's receipts are not compared: ${workflow}.`);
  else notes.push(...runNotes(manifest, workflow));

  let report: OpenReport | null = null;
  try {
    report = reportFile === null ? null : await openReport(reportFile);
    await comparePrompts({ store, manifest, run, report, records, findings, notes });
  } catch (error) {
    if (!(error instanceof ReportError)) throw error;
    findings.differs({ check: 'results', message: error.message, records: [] });
  } finally {
    await report?.close();
  }
  if (records) compareTotals(manifest, records, findings);
  const { checks, total, differences } = findings;
  return { batchId: store.batchId, reportFile, checks, total, differences, notes };
}

function runNotes(manifest: Manifest, { runs }: WorkflowRecords): string[] {
  const known = new Set(runs.map(({ run }) => run));
  const missing = manifest.runs.map(({ run }) => run).filter((run) => !known.has(run));
  const broken = runs.filter(({ whole }) => !whole).map(({ run }) => run);
  const note = (list: readonly number[], which: string, what: string): string[] =>
    list.length === 0
      ? []
      : [
          `${which} of run ${list.join(', ')} are not compared: the Temporal server does not have ${what} (any more).`,
        ];
  return [
    ...note(missing, "The workflow's receipts", missing.length === 1 ? 'it' : 'them'),
    ...note(broken, "Some of the workflow's receipts", 'all of it'),
  ];
}

interface Comparison {
  store: BatchStore;
  manifest: Manifest;
  run: ReportedRun | null;
  report: OpenReport | null;
  records: WorkflowRecords | null;
  findings: Findings;
  notes: string[];
}

/** Ledger, report and receipts side by side, shard by shard: none of them is ever in memory as a whole. */
async function comparePrompts(comparison: Comparison): Promise<void> {
  const { store, manifest, run, report, records, findings, notes } = comparison;
  const receipts = records && new ReceiptWalk(records, findings);
  let tally = emptyTally;
  let prompts = 0;

  for (let shard = 0; shard < manifest.shards; shard++) {
    await receipts?.enter(shard);
    for await (const reading of readShardPrompts(store, shard)) {
      prompts++;
      findings.compared('ledger', reading.history.settled.length);
      checkLedger(reading).forEach((difference) => findings.differs(difference));
      receipts?.compare(reading);
      if (report) tally = await compareResult(comparison, report, reading, tally);
    }
    receipts?.leave();
  }
  for (let shard = manifest.shards; shard < (records?.shards ?? 0); shard++) {
    await receipts?.enter(shard);
    receipts?.leave();
  }
  if (receipts) notes.push(...receipts.notes());

  if (!report || !run) return;
  await compareRest(report, prompts, findings);
  const priceTable = await readRunPrices(store.folder, manifest, run.run);
  for (const { check, verdict } of [
    { check: 'summary', verdict: checkSummary({ manifest, priceTable }, run.outcome, tally, report.summary) },
    { check: 'outcomes', verdict: checkOutcome(run.outcome, run.run, tally) },
  ] as const) {
    findings.compared(check, verdict.compared);
    verdict.differences.forEach((difference) => findings.differs(difference));
  }
}

/** The report's next result is this prompt's. Answers the totals with it. */
async function compareResult(
  { manifest, findings }: Comparison,
  report: OpenReport,
  reading: PromptReading,
  tally: Tally,
): Promise<Tally> {
  const result = await report.next();
  if (!result) return tally;
  findings.compared('results');
  const possiblyPaid = await report.possiblyPaidBy(reading.item.prompt_id);
  findings.compared('possiblyPaid', possiblyPaid.length);
  findings.compared('answers', result.completions.length + (result.discarded_answers?.length ?? 0));
  const facts = {
    simulated: manifest.settings.provider === 'simulated',
    reportedAt: report.summary.timestamp,
    completions: completionsOf(reading.item, manifest),
  };
  const { outcome, differences } = await checkPrompt(reading, { result, possiblyPaid }, facts);
  differences.forEach((difference) => findings.differs(difference));
  return counted(tally, outcome, manifest.settings.model);
}

/** What the report has that no prompt of the batch claims. */
async function compareRest(report: OpenReport, prompts: number, findings: Findings): Promise<void> {
  let results = 0;
  while (await report.next()) results++;
  const total = findings.checks.find(({ check }) => check === 'results')?.compared ?? 0;
  if (results > 0 || total < prompts) {
    const message = `the report has ${total + results} results, the batch has ${prompts} prompts`;
    findings.differs({ check: 'results', message, records: [] });
  }
  for await (const { record_id, prompt_id } of report.possiblyPaidByOthers()) {
    const message = `possibly_paid names the request ${record_id} of ${JSON.stringify(prompt_id)}, which is no prompt of the batch`;
    findings.differs({ check: 'possiblyPaid', message, records: [record_id] });
  }
}

/** What each run returned to Temporal is what the manifest keeps of it. */
function compareTotals(manifest: Manifest, { runs }: WorkflowRecords, findings: Findings): void {
  for (const { run, outcome } of runs) {
    if (!outcome) continue;
    const kept = manifest.runs.find((each) => each.run === run)?.outcome ?? null;
    findings.compared('totals', leafCount(outcome));
    for (const { path, expected, found } of jsonDifferences(kept, outcome)) {
      const message = `run ${run}: ${path || 'its totals'}: the workflow has ${JSON.stringify(found)}, batch.json has ${JSON.stringify(expected)}`;
      findings.differs({ check: 'totals', message, records: [] });
    }
  }
}
