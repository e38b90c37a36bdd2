/** Temporal's own pages in a real browser: what a file or a provider says is shown there, and never acts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { Frame, Page } from 'playwright-core';
import { batchIdIn, createGate, createWorkplace } from '../e2e/workplace.ts';
import { noBrowser, openBrowser, openPage } from '../support/browser.ts';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { firstOf, until } from '../support/until.ts';

const hostile =
  '[link](http://evil.example/link) ![image](http://evil.example/image.png) <img src="http://evil.example/html.png" onerror="alert(1)"> <a href="javascript:alert(1)">x</a> `code` **bold** \u202e"\\';

const server = useTestServer();

/** Everything in the frames that the hostile texts could have become. */
async function activeParts(page: Page): Promise<string[]> {
  const active = 'a[href*="evil.example"], img[src*="evil.example"], [href^="javascript"], [onerror]';
  const parts = await Promise.all(
    page
      .frames()
      .map((frame) =>
        frame.evaluate<string[]>(
          `[...document.querySelectorAll(${JSON.stringify(active)})].map((element) => element.outerHTML)`,
        ),
      ),
  );
  return parts.flat();
}

test(
  "nothing of a file's names or a provider's message comes alive in the Web UI",
  { skip: noBrowser },
  async (t) => {
    const gate = createGate();
    // The page's details are renewed when a prompt ends, every 2 seconds at most: each of these brings them up to date.
    const late = Array.from({ length: 60 }, () => createGate());
    const place = await createWorkplace(t, server, {
      script: async ({ prompt }) => {
        if (prompt === 'wait') return gate.script();
        await late[Number(prompt)]?.script();
        return reply.status(400, { message: `${prompt} ${hostile}` });
      },
    });
    const texts = ['one', 'wait', ...late.keys()].map(String);
    const file = await place.write('prompts.json', {
      batch_name: hostile,
      prompts: texts.map((text) => ({ prompt_id: `${text} ${hostile}`.slice(0, 256), prompt: text })),
    });
    const run = place.startRun(file, ['--model', hostile]);
    await place.provider.until(() => place.provider.answered.requests === 0 && place.provider.requests >= 3);

    const batchId = await batchIdIn(place.outputDir);
    const connection = await Connection.connect({ address: server.address });
    t.after(() => connection.close());
    const handle = new Client({ connection }).workflow.getHandle(batchId);
    const { runId } = await handle.describe();
    const details = async (): Promise<string> =>
      JSON.stringify(await handle.query('__temporal_workflow_metadata'));
    const refused = late[Symbol.iterator]();
    await firstOf(
      async () => {
        const text = await details();
        refused.next().value?.open();
        return text;
      },
      (text) => text.includes('Last failures'),
    );

    const browser = await openBrowser();
    t.after(() => browser.close());
    const page = await openPage(browser);
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(server.uiUrl) && !/^(data|blob):/.test(request.url()))
        elsewhere.push(request.url());
    });
    page.on('dialog', (dialog) => {
      elsewhere.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    const base = `${server.uiUrl}/namespaces/default/workflows/${batchId}/${runId}`;
    await page.goto(`${base}/user-metadata`);
    await page.locator('iframe').nth(2).waitFor();
    // The page renders its details anew as they change: a frame that is replaced while it is read is read again.
    const textOf = (frame: Frame): Promise<string> =>
      frame
        .locator('body')
        .innerText()
        .catch((error: Error) => {
          if (!/detached/.test(error.message)) throw error;
          return '';
        });
    let shown = '';
    const isAllThere = (): boolean =>
      /Last failures[^]*evil\.example/.test(shown) && shown.split('[link](http://evil.example').length > 4;
    await until(async () => {
      shown = (await Promise.all(page.frames().map(textOf))).join('\n');
      return isAllThere();
    }, 'the failures on the page');
    assert.deepEqual(await activeParts(page), []);
    for (const tab of ['timeline', 'history', 'pending-activities']) {
      await page.goto(`${base}/${tab}`);
      await page.getByText('evil.example').filter({ visible: true }).first().waitFor();
      assert.deepEqual(await activeParts(page), []);
    }
    assert.deepEqual(elsewhere, []);
    gate.open();
    for (const one of late) one.open();
    assert.equal((await run.ended).code, 3);
  },
);
