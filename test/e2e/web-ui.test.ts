/** A batch seen and handled in Temporal's Web UI alone, in a real browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { noBrowser, openBrowser, openPage } from '../support/browser.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { until } from '../support/until.ts';
import { createGate, createWorkplace, promptTexts, readResults } from './workplace.ts';

const server = useTestServer();

test(
  'a cancel requested there is ours: prompts in progress finish, the rest is not run, the report is written',
  { skip: noBrowser },
  async (t) => {
    const gate = createGate();
    const place = await createWorkplace(t, server, { script: gate.script });
    const file = await place.write('prompts.json', promptTexts(5));
    const run = place.startRun(file, ['--id', 'seen', '--max-workers', '2']);
    await place.provider.until(() => place.provider.inFlight === 2);
    const connection = await Connection.connect({ address: server.address });
    t.after(() => connection.close());
    const handle = new Client({ connection }).workflow.getHandle('seen');
    const browser = await openBrowser();
    t.after(() => browser.close());
    const page = await openPage(browser);

    const { runId } = await handle.describe();
    const base = `${server.uiUrl}/namespaces/default/workflows/seen/${runId}`;
    await page.goto(`${base}/pending-activities`);
    await page.getByText('2 prompt_0002').filter({ visible: true }).first().waitFor();
    await page.getByRole('button', { name: 'Request Cancellation' }).click();
    await page.getByRole('button', { name: 'Confirm' }).click();
    await until(async () => (await handle.describe()).memo?.['state'] === 'cancelling');
    gate.open();

    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 4, stdout + stderr);
    const { summary } = await readResults(place.outputDir);
    assert.deepEqual(
      [summary.state, summary.successful_items, summary.not_run_items, place.provider.requests],
      ['cancelled', 2, 3, 2],
    );
    await page.goto(`${base}/memo`);
    await page.getByText('durabatch resume seen').filter({ visible: true }).first().waitFor();
    await page.goto(`${base}/search-attributes`);
    await page.getByText('"cancelled"').filter({ visible: true }).first().waitFor();
  },
);
