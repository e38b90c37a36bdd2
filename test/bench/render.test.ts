import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measured } from '../../bench/measure/measure-run.ts';
import { figuresTable } from '../../bench/render.ts';
import { type ContenderName, workloadOf } from '../../bench/workloads.ts';
import { measuredRun } from './measured-run.ts';

const runOf = (
  workload: string,
  contender: ContenderName,
  run: number,
  wallSeconds: number,
  promptsPerSecond: number | null,
): Measured => measuredRun(workload, contender, run, { wallSeconds, promptsPerSecond });

test('a figure is its median with least and most, and ratios are of runs of one round', () => {
  const text = figuresTable(
    [workloadOf('W1')],
    [
      runOf('W1', 'bare-loop', 1, 10, 100),
      runOf('W1', 'durabatch', 1, 12, 90),
      runOf('W1', 'durabatch', 2, 20, 45),
      runOf('W1', 'bare-loop', 2, 10, 50),
    ],
  );
  assert.match(text, /\| wall s \| 16\.00 \(12\.00 to 20\.00\) \| 10\.00 \(10\.00 to 10\.00\) \|/);
  assert.match(text, /prompts\/s, durabatch \/ bare-loop: 0\.900 \(0\.900 to 0\.900\)/);
  assert.match(text, /durabatch \/ ideal: first request to last answer 1\.750 \(1\.250 to 2\.250\)/);
});

test('two sizes of one workload are compared, and what could not be measured is a dash', () => {
  const text = figuresTable(
    [workloadOf('W7'), workloadOf('W7:10000')],
    [runOf('W7:10000', 'durabatch', 1, 50, 200), runOf('W7', 'durabatch', 1, 500, 190)],
  );
  assert.match(text, /### 100000 prompts \/ 10000, durabatch\n\n- prompts\/s: 0\.950\n/);
  const unknown = figuresTable([workloadOf('W3')], [runOf('W3', 'durabatch', 1, 1, null)]);
  assert.match(unknown, /\| prompts\/s, steady \| – \|/);
});
