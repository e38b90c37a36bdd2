/** What must be true of a batch after one of its file operations failed: pure, from the provider's log, ledger and report. */
import type { BatchResults } from '../../src/report/results-json.ts';
import type { AnswerRecord } from '../../src/store/ledger/records.ts';
import type { LoggedRequest } from '../support/fake-provider.ts';

export interface FileEvidence {
  /** Their texts, in input order. */
  prompts: readonly string[];
  completions: number;
  log: readonly Pick<LoggedRequest, 'prompt' | 'outcome'>[];
  /** The ledger's answers, each once. */
  answers: readonly Pick<AnswerRecord, 'index'>[];
  /** The report that the manifest names; `null` if it names none. */
  report: Pick<BatchResults, 'summary' | 'results' | 'possibly_paid'> | null;
  /** The revision that `batch.json` is a copy of; `null` where there is no such file. */
  copiedRevision: number | null;
  newestRevision: number;
  /** What an audit finds: differences between ledger, report, manifest and workflow. */
  audit: readonly string[];
  /** The newest run's workflow has ended, and told how. */
  hasEnded: boolean;
  /** The fault was the death of the process. */
  wasKilled: boolean;
  /** Of the last command. */
  exitCode: number | null;
}

/** What is wrong, one sentence each. */
export function faultsOf(evidence: FileEvidence): string[] {
  const { report, exitCode, audit, copiedRevision, newestRevision, answers, prompts, completions } = evidence;
  const wrong = audit.map((found) => `audit: ${found}`);
  if (exitCode !== 0) wrong.push(`the batch did not come to its end: exit ${exitCode}`);
  if (!evidence.hasEnded) wrong.push('the workflow has not ended');
  if (copiedRevision !== newestRevision)
    wrong.push(`batch.json is revision ${copiedRevision}, the newest is ${newestRevision}`);
  if (report?.summary.state !== 'succeeded' || report.summary.successful_items !== prompts.length)
    wrong.push(`the report says ${report?.summary.state}, ${report?.summary.successful_items} succeeded`);
  if (answers.length !== prompts.length * completions)
    wrong.push(`${answers.length} answers in the ledger, ${prompts.length * completions} were asked for`);
  return [...wrong, ...prompts.flatMap((prompt, index) => faultsOfPrompt(evidence, prompt, index))];
}

/** Each request has its answer in the ledger, or is named as possibly paid; and only a death leaves such. */
function faultsOfPrompt(evidence: FileEvidence, prompt: string, index: number): string[] {
  const { log, answers, report, completions, wasKilled } = evidence;
  const requests = log.filter((entry) => entry.prompt === prompt);
  const answered = requests.filter(({ outcome }) => outcome === 'answered').length;
  const kept = answers.filter((answer) => answer.index === index).length;
  const result = report?.results[index];
  const named = report?.possibly_paid.filter(({ prompt_id }) => prompt_id === result?.prompt_id).length ?? 0;
  const wrong: string[] = [];
  const about = `${prompt} (${requests.length} requests, ${answered} answered, ${kept} in the ledger, ${named} named)`;
  if (kept !== completions) wrong.push(`${about}: ${completions} answers were to be bought`);
  if (answered > kept + named) wrong.push(`${about}: an answer was lost, and is named nowhere`);
  if (requests.length > kept + named) wrong.push(`${about}: something was bought again`);
  if (named > 0 && !wasKilled) wrong.push(`${about}: nobody was killed, yet an answer is missing`);
  if (result?.completions.length !== completions || result.prompt !== prompt)
    wrong.push(`${about}: the report has ${result?.completions.length} completions of ${result?.prompt}`);
  return wrong;
}
