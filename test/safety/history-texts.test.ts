/** No text of a prompt or an answer in anything that the Temporal server keeps. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createWorkplace } from '../e2e/workplace.ts';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { filesWith, formsOf } from './support/places.ts';

const server = useTestServer();

const ASKED = 'recognisable+prompt+0123456789';
const ANSWERED = 'recognisable+answer+0123456789';
const REASONED = 'recognisable+reasoning+0123456789';
const DISCARDED = 'recognisable+discarded+0123456789';

test('texts of prompts and answers are in the batch folder, and nowhere on the Temporal server', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt, promptCount }) => {
      if (prompt.includes('refused')) return reply.ok({ text: DISCARDED, finishReason: 'content_filter' });
      if (prompt.includes('retried') && promptCount === 1) return reply.status(500);
      return reply.ok({ text: ANSWERED, reasoning: REASONED });
    },
  });
  const prompts = ['answered', 'retried', 'refused'].map((id) => ({
    prompt_id: `recognisable-id-${id}`,
    prompt: `${ASKED} ${id}`,
    note: ASKED,
  }));
  const file = await place.write('prompts.json', prompts);
  const run = await place.run(file, ['--id', 'texts', '--completions', '2']);
  assert.equal(run.code, 3, run.stdout + run.stderr);
  const added = await place.write('added.json', [{ ...prompts[0], prompt_id: 'recognisable-id-added' }]);
  const add = await place.cli(['add', 'texts', added]);
  assert.equal(add.code, 3, add.stdout + add.stderr);

  const texts = [ASKED, ANSWERED, REASONED, DISCARDED];
  for (const text of texts)
    assert.ok((await filesWith([join(place.outputDir, 'texts')], formsOf(text))).length > 0, text);
  // The search itself works: ids of prompts are in the server's database.
  for (const id of ['answered', 'added']) {
    const found = await filesWith([server.home], formsOf(`recognisable-id-${id}`));
    assert.ok(
      found.some((name) => name.startsWith(join(server.home, 'temporal.db'))),
      found.join(', '),
    );
  }
  assert.deepEqual(await filesWith([server.home], texts.flatMap(formsOf)), []);
});
