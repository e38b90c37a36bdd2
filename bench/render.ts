/** Figures as text: pure. */
import { median } from './measure/steady-rate.ts';
import type { Measured } from './measure/measure-run.ts';
import { type ContenderName, contenderNames, type Workload } from './workloads.ts';

interface Figure {
  title: string;
  /** `null`: it could not be measured. */
  of(run: Measured): number | null;
  digits: number;
}

const figures: Figure[] = [
  { title: 'wall s', of: (run) => run.wallSeconds, digits: 2 },
  { title: 'first request s', of: (run) => run.firstRequestSeconds, digits: 2 },
  { title: 'first request to last answer s', of: (run) => run.spanSeconds, digits: 2 },
  { title: 'prompts/s, steady', of: (run) => run.promptsPerSecond, digits: 0 },
  { title: 'slots in use %', of: (run) => percent(run.utilisation), digits: 1 },
  { title: 'CPU ms/prompt, command', of: (run) => run.cpuMsPerPrompt.command, digits: 2 },
  { title: 'CPU ms/prompt, server', of: (run) => run.cpuMsPerPrompt.server, digits: 2 },
  { title: 'CPU ms/prompt, provider', of: (run) => run.cpuMsPerPrompt.provider, digits: 2 },
  { title: 'peak RSS MB, command', of: (run) => run.peakRssMb.command, digits: 0 },
  { title: 'peak RSS MB, server', of: (run) => run.peakRssMb.server, digits: 0 },
  { title: 'provider late by ms, mean', of: (run) => run.providerDelayMs, digits: 1 },
];

const percent = (share: number | null): number | null => (share === null ? null : share * 100);

/** Of one run, as it ends. */
export function runLine(run: Measured): string {
  const { workload, contender, run: number, wallSeconds, promptsPerSecond, loadBefore, threads } = run;
  const { command, server } = run.cpuMsPerPrompt;
  const rate = promptsPerSecond === null ? '' : `, ${promptsPerSecond.toFixed(0)} prompts/s`;
  const cpu =
    command === null || server === null
      ? ''
      : `, CPU ms/prompt ${command.toFixed(2)} + server ${server.toFixed(2)}`;
  const shares = Object.entries(threads).map(([name, cpuMs]) => `${name} ${cpuMs.toFixed(2)}`);
  return `${workload} ${contender} ${number}: ${wallSeconds.toFixed(2)} s${rate}${cpu} (${shares.join(', ')}; load before ${loadBefore.toFixed(1)})`;
}

/** A Markdown table for each workload: median, and least to most where there are several runs. */
export const figuresTable = (workloads: readonly Workload[], measured: readonly Measured[]): string =>
  [
    ...workloads.map((workload) => {
      const runs = runsOf(measured, workload);
      return `${titleOf(workload)}\n\n${tableOf(runs)}\n\n${ratiosOf(runs).join('\n')}`;
    }),
    ...growthOf(workloads, measured),
  ].join('\n\n');

const runsOf = (measured: readonly Measured[], { name }: Workload): Measured[] =>
  measured.filter(({ workload }) => workload === name);

/** What a workload costs in its largest size, by its smallest: 1 is linear. */
function growthOf(workloads: readonly Workload[], measured: readonly Measured[]): string[] {
  const bases = [...new Set(workloads.map(({ name }) => name.replace(/:.*/, '')))];
  return bases.flatMap((base) => {
    const sizes = workloads
      .filter(({ name }) => name.replace(/:.*/, '') === base)
      .toSorted((a, b) => a.prompts - b.prompts);
    const [least, most] = [sizes[0], sizes.at(-1)];
    if (!least || !most || least === most) return [];
    const small = ofContender(runsOf(measured, least), 'durabatch');
    const large = ofContender(runsOf(measured, most), 'durabatch');
    const ratio = (of: (run: Measured) => number | null): string =>
      spread(ratiosByRound(large, small, of), 3);
    return [
      [
        `### ${most.prompts} prompts / ${least.prompts}, durabatch`,
        '',
        `- prompts/s: ${ratio((run) => run.promptsPerSecond)}`,
        `- CPU per prompt, command and server: ${ratio(cpuOf)}`,
        `- peak RSS, command: ${ratio((run) => run.peakRssMb.command)}`,
        `- peak RSS, server: ${ratio((run) => run.peakRssMb.server)}`,
      ].join('\n'),
    ];
  });
}

function titleOf({ name, prompts, completions, workers, latency }: Workload): string {
  const wait =
    latency.kind === 'fixed'
      ? `${latency.ms} ms`
      : `log-normal, median ${latency.medianMs} ms, sigma ${latency.sigma}, ${latency.stragglers * 100} % of ${latency.stragglerMs} ms`;
  return `### ${name}: ${prompts} prompts × ${completions}, ${wait}, ${workers} workers`;
}

function tableOf(runs: readonly Measured[]): string {
  const contenders = contendersOf(runs);
  const rows = figures.map(({ title, of, digits }) => {
    const cells = contenders.map((contender) => spread(ofContender(runs, contender).map(of), digits));
    return `| ${title} | ${cells.join(' | ')} |`;
  });
  return [`| | ${contenders.join(' | ')} |`, `|---|${'--:|'.repeat(contenders.length)}`, ...rows].join('\n');
}

function ratiosOf(runs: readonly Measured[]): string[] {
  const [own, ...others] = contendersOf(runs);
  if (own !== 'durabatch') return [];
  const lines = others.flatMap((other) => [
    `- wall, durabatch / ${other}: ${paired(runs, other, (run) => run.wallSeconds)}`,
    `- prompts/s, durabatch / ${other}: ${paired(runs, other, (run) => run.promptsPerSecond)}`,
    `- CPU of command and server, durabatch / ${other}: ${paired(runs, other, cpuOf)}`,
  ]);
  const ideal = ofContender(runs, 'durabatch').map((run) => run.spanSeconds / run.idealSeconds);
  const wall = ofContender(runs, 'durabatch').map((run) => run.wallSeconds / run.idealSeconds);
  if (runs.some((run) => run.idealSeconds > 0)) {
    lines.push(
      `- durabatch / ideal: first request to last answer ${spread(ideal, 3)}, wall ${spread(wall, 3)}`,
    );
  }
  return lines;
}

const cpuOf = ({ cpuMsPerPrompt: { command, server } }: Measured): number | null =>
  command === null || server === null ? null : command + server;

function paired(
  runs: readonly Measured[],
  other: ContenderName,
  of: (run: Measured) => number | null,
): string {
  return spread(ratiosByRound(ofContender(runs, 'durabatch'), ofContender(runs, other), of), 3);
}

/** Runs of one round are compared with each other. */
const ratiosByRound = (
  above: readonly Measured[],
  below: readonly Measured[],
  of: (run: Measured) => number | null,
): (number | null)[] =>
  above.map((own) => {
    const against = below.find(({ run }) => run === own.run);
    const [dividend, divisor] = [of(own), against ? of(against) : null];
    return dividend === null || divisor === null || divisor === 0 ? null : dividend / divisor;
  });

function spread(values: readonly (number | null)[], digits: number): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return '–';
  const middle = median(known).toFixed(digits);
  if (known.length === 1) return middle;
  return `${middle} (${Math.min(...known).toFixed(digits)} to ${Math.max(...known).toFixed(digits)})`;
}

/** In a fixed order, whatever the order of the first round was. */
const contendersOf = (runs: readonly Measured[]): ContenderName[] =>
  contenderNames.filter((name) => runs.some(({ contender }) => contender === name));

const ofContender = (runs: readonly Measured[], name: ContenderName): Measured[] =>
  runs.filter(({ contender }) => contender === name);
