import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeScript, reply } from '../support/fake-provider.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import { batchIdsIn, createGate, createWorkplace, newestResults, promptTexts } from './workplace.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const prices = ['--price-input', '1', '--price-output', '10'];

test('prompts added, rows changed, completions raised: only what is new is asked, and paid', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const texts = promptTexts(20);
  const original = await place.write('original.json', texts);
  const first = await place.run(original, ['--id', 'first', '--completions', '2', ...prices]);
  assert.equal(first.code, 0, first.stdout + first.stderr);
  const paidBefore = { ...provider.answered };

  const changedTexts = [...texts.map((text, i) => (i % 10 === 3 ? `${text} Briefly.` : text)), 'Brand new?'];
  const changed = await place.write('changed.json', changedTexts);
  const second = await place.run(changed, [
    ...['--id', 'second', '--completions', '2', '--reuse', 'first', '--json'],
    ...prices,
  ]);
  assert.equal(second.code, 0, second.stdout + second.stderr);
  assert.match(second.stdout, /36 completions taken over from first\./);
  assert.equal(provider.requests, 20 + 3, 'two rows that changed, and one that is new');
  const { summary, results } = await newestResults(place.outputDir);
  assert.equal(summary.successful_items, 21);
  assert.equal(summary.prompt_tokens, provider.answered.promptTokens - paidBefore.promptTokens);
  assert.equal(summary.completion_tokens, provider.answered.completionTokens - paidBefore.completionTokens);
  const nanoUsd = summary.prompt_tokens * 1000 + summary.completion_tokens * 10_000;
  assert.equal(summary.estimated_cost, nanoUsd / 1e9);
  assert.equal(summary.bill.reused_completions, 36);
  const firstTexts = results[0]!.completions.map(({ text }) => text);
  assert.ok(results[0]!.completions.every(({ reused_from }) => reused_from?.batch_id === 'first'));
  assert.ok(results[3]!.completions.every(({ reused_from }) => reused_from === undefined));

  const asked = provider.requests;
  const third = await place.run(original, [
    ...['--id', 'third', '--completions', '4', '--reuse', 'second', '--reuse', 'first', '--json'],
    ...prices,
  ]);
  assert.equal(third.code, 0, third.stdout + third.stderr);
  assert.match(third.stdout, /40 completions taken over from second, first\./);
  const wanted = provider.requestsLog.slice(asked).map(({ body }) => body['n']);
  assert.deepEqual(
    wanted,
    texts.map(() => 2),
    'each prompt lacks two',
  );
  const raised = (await newestResults(place.outputDir)).results;
  assert.ok(raised.every(({ completions }) => completions.length === 4));
  assert.deepEqual(
    raised[0]!.completions.slice(0, 2).map(({ text }) => text),
    firstTexts,
  );
  assert.deepEqual(
    raised[3]!.completions.map(({ reused_from }) => reused_from?.batch_id),
    ['first', 'first', undefined, undefined],
  );
});

test('a retry takes over what the earlier batch has bought meanwhile, and asks for nothing it has', async (t) => {
  const refuse: FakeScript = ({ prompt }) =>
    /number (2|3)\?/.test(prompt) ? reply.status(400, { message: 'not now' }) : undefined;
  const place = await createWorkplace(t, server, { script: refuse });
  const { provider } = place;
  const two = await place.write('two.json', promptTexts(2));
  const three = await place.write('three.json', promptTexts(3));
  assert.equal((await place.run(two, ['--id', 'source'])).code, 3);
  assert.equal((await place.run(three, ['--id', 'reuser', '--reuse', 'source'])).code, 3);
  provider.script = undefined;
  assert.equal((await place.cli(['retry', 'source'])).code, 0);
  const asked = provider.requests;

  const retried = await place.cli(['retry', 'reuser']);
  assert.equal(retried.code, 0, retried.stdout + retried.stderr);
  assert.match(retried.stderr, /2 failed prompts to be asked again/);
  assert.match(retried.stderr, /1 completion taken over from source/);
  assert.deepEqual(
    provider.requestsLog.slice(asked).map(({ prompt }) => prompt),
    ['Question number 3?'],
  );
  const { results } = await newestResults(place.outputDir);
  assert.deepEqual(
    results.map(({ status, completions }) => [status, completions[0]!.reused_from?.batch_id]),
    [
      ['succeeded', 'source'],
      ['succeeded', 'source'],
      ['succeeded', undefined],
    ],
  );
  const audit = await place.cli(['audit', 'reuser']);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
});

test('without the flag the count and the command are named; with it nothing is asked', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(4));
  const first = await place.run(file, ['--id', 'paid']);
  assert.equal(first.code, 0);
  assert.doesNotMatch(first.stderr, /already paid/);
  const second = await place.run(file, ['--id', 'unaware']);
  assert.equal(second.code, 0);
  assert.match(second.stderr, /4 completions of identical requests are already paid in this output folder/);
  assert.match(second.stderr, /durabatch run ".*prompts\.json" --reuse paid/);
  assert.equal(provider.requests, 8);

  const third = await place.run(file, ['--id', 'aware', '--reuse', 'paid']);
  assert.equal(third.code, 0, third.stdout + third.stderr);
  assert.doesNotMatch(third.stderr, /already paid/);
  assert.match(third.stdout, /4 completions of earlier batches/);
  assert.equal(provider.requests, 8);
});

test('identical prompts in one file are bought each, and reused each', async (t) => {
  const place = await createWorkplace(t, server);
  const twice = await place.write('twice.json', ['Same?', 'Other?', 'Same?']);
  assert.equal((await place.run(twice, ['--id', 'twice'])).code, 0);
  assert.equal(place.provider.requests, 3);
  const thrice = await place.write('thrice.json', ['Same?', 'Same?', 'Same?']);
  const { code, stderr } = await place.run(thrice, ['--id', 'thrice', '--reuse', 'twice']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /2 completions taken over from twice/);
  assert.equal(place.provider.requests, 4);
  const { results } = await newestResults(place.outputDir);
  const texts = results.map(({ completions }) => completions[0]!.text);
  assert.equal(new Set(texts).size, 3, 'no answer stands twice');
});

test('a batch that nobody knows: exit 2, and nothing is made or asked', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(2));
  assert.equal((await place.run(file, ['--id', 'known'])).code, 0);
  const { code, stderr } = await place.run(file, ['--id', 'b', '--reuse', 'known', '--reuse', 'nowhere']);
  assert.equal(code, 2);
  assert.match(stderr, /there is no batch "nowhere"/);
  assert.equal(place.provider.requests, 2);
  assert.deepEqual(await batchIdsIn(place.outputDir), ['known']);
});

test('killed right after the start, and again: nothing that was paid is bought again', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const texts = promptTexts(60);
  const old = await place.write('old.json', texts);
  assert.equal((await place.run(old, ['--id', 'old', '--completions', '2', '--max-workers', '20'])).code, 0);
  const grown = await place.write('grown.json', [...texts, 'One more?']);
  // Until it is answered the batch does not end.
  const gate = createGate();
  provider.script = gate.script;
  const reusing = () =>
    place.startRun(grown, ['--id', 'grown', '--completions', '2', '--reuse', 'old', '--json']);

  for (const sign of [/taken over from old/, /"type":"note","message":"Batch grown/]) {
    const run = reusing();
    await run.said(sign);
    run.kill('SIGKILL');
    await run.ended;
  }
  gate.open();
  const { code, stdout, stderr } = await reusing().ended;
  assert.equal(code, 0, stdout + stderr);
  for (const text of texts) assert.equal(provider.requestsPerPrompt.get(text), 1, text);
  const { summary } = await newestResults(place.outputDir);
  assert.deepEqual([summary.successful_items, summary.bill.reused_completions], [61, 120]);
});
