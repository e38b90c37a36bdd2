/** What must be true after the blows: pure, from the provider's log, the ledger and the report. */
import type { BatchResults } from '../../src/report/results-json.ts';
import type { AnswerRecord } from '../../src/store/ledger/records.ts';
import type { LoggedRequest } from '../support/fake-provider.ts';
import type { Bill } from './misbehaving-provider.ts';

export interface Kill {
  /** Milliseconds since 1970. */
  at: number;
  /** Whether a process that sends requests was among the killed. */
  worker: boolean;
}

/** A worker frozen for longer than the heartbeat timeout, in milliseconds since 1970. */
export interface Stop {
  from: number;
  to: number;
}

export interface Evidence {
  /** Their texts, in input order. */
  prompts: readonly string[];
  completions: number;
  maxWorkers: number;
  workers: number;
  /** As planned, kills only. */
  killsPlanned: number;
  kills: readonly Kill[];
  stops: readonly Stop[];
  log: readonly Pick<LoggedRequest, 'total' | 'prompt' | 'body' | 'startedAt' | 'endedAt' | 'outcome'>[];
  bills: ReadonlyMap<number, Bill>;
  peakInFlight: number;
  /** The ledger's answers, each once. */
  answers: readonly AnswerRecord[];
  /** `null` if the batch came to no end. */
  report: Pick<BatchResults, 'summary' | 'results'> | null;
  /** Exit code of the command that saw the batch to its end. */
  exitCode: number | null;
  /** Commands that gave up though nobody had killed them. */
  gaveUp: readonly string[];
  /** Processes found alive after everything known had been ended. */
  leftOver: readonly string[];
}

export interface Check {
  what: string;
  ok: boolean;
  found: string;
}

/** USD per million tokens of gpt-4o-mini, which are nano-USD a token × 1000. */
export const PRICE_NANO = { prompt: 150, completion: 600 } as const;

/** Two workers may take a look at the ledger at the same moment: what the one writes within it, the other cannot know. */
const SAME_MOMENT_MS = 1000;
const NAMED = 5;

export const judge = (evidence: Evidence): Check[] => [
  finished(evidence),
  whole(evidence),
  texts(evidence),
  accounted(evidence),
  notAskedAgain(evidence),
  peak(evidence),
  bill(evidence),
  {
    what: 'no command gave up by itself',
    ok: evidence.gaveUp.length === 0,
    found: evidence.gaveUp.length === 0 ? 'none did' : named(evidence.gaveUp),
  },
  {
    what: 'every planned kill fell',
    ok: evidence.kills.length === evidence.killsPlanned,
    found: `${evidence.kills.length} of ${evidence.killsPlanned}`,
  },
  {
    what: 'no process is left over',
    ok: evidence.leftOver.length === 0,
    found: evidence.leftOver.length === 0 ? 'none' : named(evidence.leftOver),
  },
];

function finished({ exitCode, report }: Evidence): Check {
  const state = report?.summary.state ?? 'no report';
  return {
    what: 'the batch finished: exit 0, all prompts succeeded',
    ok: exitCode === 0 && state === 'succeeded',
    found: `exit ${exitCode}, ${state}, ${report?.summary.successful_items ?? 0} succeeded, ${report?.summary.failed_items ?? 0} failed`,
  };
}

function whole({ report, prompts, completions }: Evidence): Check {
  const wrong: string[] = [];
  const results = report?.results ?? [];
  if (results.length !== prompts.length)
    wrong.push(`${results.length} results for ${prompts.length} prompts`);
  results.forEach((result, position) => {
    if (result.prompt !== prompts[position]) wrong.push(`result ${position} is of another prompt`);
    const samples = result.completions.map(({ sample }) => sample);
    const wanted = Array.from({ length: completions }, (_, before) => before + 1);
    if (result.status !== 'succeeded')
      wrong.push(`${result.prompt_id} ${result.status}: ${result.error?.message}`);
    else if (samples.join() !== wanted.join())
      wrong.push(`${result.prompt_id} has samples ${samples.join()}`);
  });
  return {
    what: `each prompt has its ${completions} completions, in input order`,
    ok: wrong.length === 0,
    found: wrong.length === 0 ? `${results.length} prompts` : named(wrong),
  };
}

function texts({ report, log }: Evidence): Check {
  const wrong: string[] = [];
  const used = new Map<string, number>();
  let compared = 0;
  for (const { prompt_id: id, prompt, completions } of report?.results ?? []) {
    for (const { text, sample, request_id: requestId } of completions) {
      const entry = log[numberOf(requestId) - 1];
      compared++;
      used.set(text, (used.get(text) ?? 0) + 1);
      if (entry?.prompt !== prompt || !text.endsWith(`to: ${prompt.slice(0, 80)}`)) {
        wrong.push(`${id} sample ${sample} holds the answer to another prompt`);
      }
    }
  }
  for (const [text, count] of used) if (count > 1) wrong.push(`${count} completions are "${text}"`);
  return {
    what: 'each completion is an answer of its own to its prompt',
    ok: wrong.length === 0 && compared > 0,
    found: wrong.length === 0 ? `${compared} compared` : named(wrong),
  };
}

function accounted({ log, answers, kills, workers, maxWorkers }: Evidence): Check {
  const kept = new Set(answers.map(({ requestId }) => numberOf(requestId)));
  const answered = log.filter(({ outcome }) => outcome === 'answered');
  const lost = answered.filter(({ total }) => !kept.has(total));
  const workerKills = kills.filter(({ worker }) => worker);
  const lostTo = new Map<Kill, number>();
  // An answer in hand keeps its slot, and nothing more is asked for its prompt: so few can be lost to one kill.
  const unexplained = lost.filter(({ total, prompt, startedAt }) => {
    const kill = workerKills.find(({ at }) => startedAt <= at);
    if (!kill) return true;
    lostTo.set(kill, (lostTo.get(kill) ?? 0) + 1);
    const wentOn = log
      .slice(total)
      .some((later) => later.prompt === prompt && later.startedAt < kill.at && workers === 1);
    return wentOn || lostTo.get(kill)! > maxWorkers;
  });
  const unknown = answers.filter(({ requestId }) => log[numberOf(requestId) - 1]?.outcome !== 'answered');
  const problems = [
    ...unexplained.map(({ total, prompt }) => `answer ${total} ("${prompt}") is not in the ledger`),
    ...unknown.map(({ requestId }) => `the provider never answered ${requestId}`),
    ...(kept.size === answers.length ? [] : ['one response is in the ledger as two records']),
    ...(answered.length === answers.length + lost.length ? [] : ['the sum does not come out']),
  ];
  return {
    what: 'answered = in the ledger + in hand at a kill',
    ok: problems.length === 0,
    found: `${answered.length} = ${answers.length} + ${lost.length}${problems.length === 0 ? '' : `; ${named(problems)}`}`,
  };
}

function notAskedAgain({ log, answers, prompts, completions, workers, stops }: Evidence): Check {
  const moment = workers > 1 ? SAME_MOMENT_MS : 0;
  const byPrompt = new Map<string, AnswerRecord[]>(prompts.map((prompt) => [prompt, []]));
  for (const answer of answers) byPrompt.get(prompts[answer.index] ?? '')?.push(answer);
  const byRequest = new Map(answers.map((answer) => [numberOf(answer.requestId), answer]));
  const again: string[] = [];
  let excused = 0;
  for (const { total, prompt, body, startedAt } of log) {
    const had = new Set(
      (byPrompt.get(prompt) ?? [])
        .filter(({ at }) => Date.parse(at) + moment < startedAt)
        .flatMap(({ choices }) => choices.map(({ sample }) => sample)),
    );
    const own = byRequest.get(total)?.choices.map(({ sample }) => sample) ?? [];
    const wanted = Number(body['n'] ?? 1);
    if (own.every((sample) => !had.has(sample)) && wanted <= completions - had.size) continue;
    // Frozen between its look at the ledger and its request, a worker cannot know better.
    if (stops.some(({ from, to }) => from <= startedAt && startedAt <= to + 2 * SAME_MOMENT_MS)) excused++;
    else again.push(`request ${total} for "${prompt}" asked for ${wanted} with ${had.size} in the ledger`);
  }
  return {
    what: 'nothing in the ledger was requested again',
    ok: again.length === 0 && log.length > 0,
    found:
      again.length === 0
        ? `${log.length} requests${excused === 0 ? '' : `, ${excused} of them by a worker that had just thawed`}`
        : `${again.length} were: ${named(again)}`,
  };
}

/**
 * A killed worker's connections end with it, and a server that dies leaves its prompts where they are:
 * neither allows more. A worker that thaws goes on with prompts that others have got by then, until it
 * hears of it: as many more as it held.
 */
function peak({ peakInFlight, maxWorkers, stops }: Evidence): Check {
  const allowed = stops.length > 0 ? 2 * maxWorkers : maxWorkers;
  return {
    what: `requests in flight never exceed ${stops.length > 0 ? '2 × ' : ''}max_workers`,
    ok: peakInFlight <= allowed,
    found: `${peakInFlight} of ${allowed}`,
  };
}

function bill({ report, answers, bills }: Evidence): Check {
  const billed = { prompt: 0, completion: 0 };
  for (const { requestId } of answers) {
    const { promptTokens, completionTokens } = bills.get(numberOf(requestId)) ?? {
      promptTokens: 0,
      completionTokens: 0,
    };
    billed.prompt += promptTokens;
    billed.completion += completionTokens;
  }
  const nano = billed.prompt * PRICE_NANO.prompt + billed.completion * PRICE_NANO.completion;
  const { summary } = report ?? {};
  const provider = `${billed.prompt} + ${billed.completion} tokens, $${(nano / 1e9).toFixed(9)}`;
  const ok =
    summary?.prompt_tokens === billed.prompt &&
    summary.completion_tokens === billed.completion &&
    Math.round((summary.estimated_cost ?? Number.NaN) * 1e9) === nano;
  const ours = summary
    ? `${summary.prompt_tokens} + ${summary.completion_tokens} tokens, $${summary.estimated_cost?.toFixed(9)}`
    : 'no report';
  return {
    what: 'the report bills what the provider billed for the ledger',
    ok,
    found: ok ? provider : `the provider ${provider}; the report ${ours}`,
  };
}

/** The stand-in's ids are `fake-<number of the request>`. */
const numberOf = (requestId: string | null): number => Number(requestId?.replace('fake-', '') ?? Number.NaN);

const named = (problems: readonly string[]): string =>
  problems.slice(0, NAMED).join('; ') +
  (problems.length > NAMED ? `; and ${problems.length - NAMED} more` : '');
