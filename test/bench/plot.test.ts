import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curvesOf, plotPage } from '../../bench/plot.ts';
import { noBrowser, openBrowser, openPage } from '../support/browser.ts';
import { measuredRun } from './measured-run.ts';

const run = measuredRun('W1', 'durabatch', 1, {
  firstRequestSeconds: 2,
  answersPerBucket: [...Array<number>(10).fill(4), ...Array<number>(10).fill(8), 1],
  samples: [
    { seconds: 0, commandRssMb: 80, serverRssMb: 100 },
    { seconds: 0.25, commandRssMb: null, serverRssMb: 110 },
  ],
});

test('a rate is of prompts, in windows of whole seconds since the process started', () => {
  const { title, rate, memory } = curvesOf(run);
  assert.equal(title, 'W1: durabatch, run 1');
  assert.deepEqual(rate, [
    [2.5, 3.5],
    [20, 40],
  ]);
  assert.deepEqual(memory, [
    [0, 0.25],
    [80, null],
    [100, 110],
  ]);
});

test('a long run is drawn with no more points than a screen has', () => {
  const samples = Array.from({ length: 5000 }, (_, at) => ({
    seconds: at / 4,
    commandRssMb: at,
    serverRssMb: at,
  }));
  const { rate, memory } = curvesOf({ ...run, answersPerBucket: Array<number>(12_500).fill(2), samples });
  assert.ok(rate[0].length <= 600 && memory[0].length <= 600, `${rate[0].length} and ${memory[0].length}`);
  assert.ok(rate[1].every((value) => value === 10));
});

test(
  'the page draws two charts of each run, and takes nothing from outside',
  { skip: noBrowser },
  async () => {
    const browser = await openBrowser();
    try {
      const page = await openPage(browser);
      const asked: string[] = [];
      const errors: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('pageerror', ({ message }) => errors.push(message));
      await page.setContent(plotPage([run, { ...run, run: 2 }], 'a machine </script><b>'));
      assert.equal(await page.locator('canvas').count(), 4);
      assert.equal(await page.locator('#machine').textContent(), 'a machine </script><b>');
      assert.deepEqual([asked, errors], [[], []]);
    } finally {
      await browser.close();
    }
  },
);
