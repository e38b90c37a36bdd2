/** Rate and memory over each run, as one page that needs nothing else. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Measured } from './measure/measure-run.ts';
import { BUCKET_MS } from './stand-in/tally.ts';
import { workloadOf } from './workloads.ts';

const MAX_POINTS = 600;
const BUCKETS_PER_SECOND = 1000 / BUCKET_MS;

/** Columns as uPlot takes them: seconds since the process started, then the values; `null`: not measured. */
export interface Curves {
  title: string;
  rate: [seconds: number[], promptsPerSecond: number[]];
  memory: [seconds: number[], command: (number | null)[], server: (number | null)[]];
}

/** Windows of whole seconds, of several where the run is long. */
export function curvesOf(run: Measured): Curves {
  const { workload, contender, answersPerBucket, firstRequestSeconds, samples } = run;
  const { completions } = workloadOf(workload);
  const windowSeconds = Math.ceil(answersPerBucket.length / BUCKETS_PER_SECOND / MAX_POINTS);
  const width = windowSeconds * BUCKETS_PER_SECOND;
  const rate: Curves['rate'] = [[], []];
  for (let at = 0; at + width <= answersPerBucket.length; at += width) {
    const answers = answersPerBucket.slice(at, at + width).reduce((sum, count) => sum + count, 0);
    rate[0].push(firstRequestSeconds + (at + width / 2) / BUCKETS_PER_SECOND);
    rate[1].push(answers / completions / windowSeconds);
  }
  const every = Math.max(1, Math.ceil(samples.length / MAX_POINTS));
  const seen = samples.filter((_, position) => position % every === 0);
  return {
    title: `${workload}: ${contender}, run ${run.run}`,
    rate,
    memory: [
      seen.map(({ seconds }) => seconds),
      seen.map(({ commandRssMb }) => commandRssMb),
      seen.map(({ serverRssMb }) => serverRssMb),
    ],
  };
}

const asset = (name: string): string =>
  readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8');

/** A page of HTML. */
export function plotPage(runs: readonly Measured[], machine: string): string {
  const told = JSON.stringify({ machine, curves: runs.map(curvesOf) }).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>durabatch: rate and memory</title>
<style>${asset('uPlot.min.css')}
body { font: 14px system-ui, sans-serif; margin: 24px; color: #1d2733; background: #fff; }
h2 { font-size: 16px; margin: 28px 0 4px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 16px; }
.u-title { font-size: 13px; font-weight: 500; }
</style>
<h1>Rate and memory over time</h1>
<p id="machine"></p>
<main></main>
<script>${asset('uPlot.iife.min.js')}</script>
<script>
const { machine, curves } = ${told};
document.getElementById('machine').textContent = machine;
const HEIGHT = 240;
const pending = [];
const chart = (place, title, unit, series, data) => pending.push(() => {
  const options = {
    ...{ title, width: place.clientWidth, height: HEIGHT },
    scales: { x: { time: false }, y: { range: (_, least, most) => [0, (most ?? 1) * 1.05] } },
    axes: [{ values: (_, ticks) => ticks.map((tick) => tick + ' s') }, { size: 60 }],
    series: [{ label: 'seconds', value: (_, x) => x === null ? '' : x.toFixed(1) }, ...series.map(([label, stroke]) => ({
      ...{ label, stroke, width: 1.5, points: { show: false } },
      value: (_, y) => y === null ? '' : y.toFixed(0) + ' ' + unit,
    }))],
  };
  const plot = new uPlot(options, data, place);
  addEventListener('resize', () => plot.setSize({ width: place.clientWidth, height: HEIGHT }));
});
for (const { title, rate, memory } of curves) {
  const section = document.querySelector('main').appendChild(document.createElement('section'));
  section.appendChild(document.createElement('h2')).textContent = title;
  const charts = section.appendChild(document.createElement('div'));
  charts.className = 'charts';
  const [left, right] = [0, 1].map(() => charts.appendChild(document.createElement('div')));
  chart(left, 'prompts per second', '/s', [['prompts', '#1f6feb']], rate);
  chart(right, 'resident memory, MB', 'MB', [['command', '#1f6feb'], ['Temporal server', '#d1752a']], memory);
}
for (const draw of pending) draw();
</script>
</html>
`;
}
