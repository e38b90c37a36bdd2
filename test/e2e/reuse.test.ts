import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FakeScript, reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { batchIdsIn, createGate, createWorkplace, newestResults, promptTexts } from './workplace.ts';

const server = useTestServer();

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
  assert.match(
    second.stdout,
    /36 completions of identical requests taken over from first instead of being bought; the oldest answer is \S+( \S+)? old\. For new ones: --no-reuse\./,
  );
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
  assert.match(third.stdout, /40 completions of identical requests taken over from second, first instead/);
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
  assert.match(retried.stderr, /1 completion of identical requests taken over from source/);
  assert.deepEqual(
    provider.requestsLog.slice(asked).map(({ prompt }) => prompt),
    ['Question number 3?'],
  );
  const { results } = await newestResults(place.outputDir, 'reuser');
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

test('without a flag nothing is bought that the folder has; with --no-reuse and --new everything is', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const texts = promptTexts(4);
  const file = await place.write('prompts.json', texts);
  const first = await place.run(file, ['--id', 'paid', '--completions', '2']);
  assert.equal(first.code, 0, first.stderr);
  assert.doesNotMatch(first.stderr, /taken over/);

  const edited = await place.write('edited.json', ['Edited?', ...texts.slice(1)]);
  const second = await place.run(edited, ['--completions', '2']);
  assert.equal(second.code, 0, second.stderr);
  assert.match(
    second.stderr,
    /6 completions of identical requests taken over from paid .* old\. For new ones: --no-reuse\./,
  );
  assert.match(second.stdout, /6 completions of earlier batches/);
  assert.equal(provider.requests, 4 + 1);

  const raised = await place.run(edited, ['--completions', '3']);
  assert.equal(raised.code, 0, raised.stderr);
  assert.deepEqual(
    provider.requestsLog.slice(5).map(({ body }) => body['n'] ?? 1),
    [1, 1, 1, 1],
  );

  const anew = await place.run(edited, ['--completions', '1', '--no-reuse']);
  assert.equal(anew.code, 0, anew.stderr);
  assert.doesNotMatch(anew.stderr, /taken over/);
  assert.equal(provider.requests, 9 + 4);
  const again = await place.run(edited, ['--completions', '1', '--new']);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(provider.requests, 13 + 4);
  const named = await place.run(edited, ['--completions', '1', '--new', '--reuse', 'paid']);
  assert.equal(named.code, 0, named.stderr);
  assert.match(named.stderr, /3 completions of identical requests taken over from paid instead/);
  assert.equal(provider.requests, 17 + 1);
});

test('what --reject-truncated discarded is not bought again by a run that accepts it', async (t) => {
  const place = await createWorkplace(t, server, {
    script: () => reply.ok({ text: 'half an', finishReason: 'length' }),
  });
  const { provider } = place;
  const file = await place.write('prompts.json', promptTexts(3));
  const strict = ['--completions', '2', '--reject-truncated'];
  const failed = await place.run(file, ['--id', 'strict', ...strict]);
  assert.equal(failed.code, 3, failed.stderr);
  const advised = /without --reject-truncated, with (--new --reuse strict)/.exec(
    failed.stdout.replaceAll(/\s+/g, ' '),
  );
  assert.ok(advised, failed.stdout);
  const bought = { ...provider.answered };
  assert.equal(bought.completions, 6);

  const fewer = await place.run(file, ['--completions', '1']);
  assert.equal(fewer.code, 0, fewer.stdout + fewer.stderr);
  const kept = await place.run(file, ['--completions', '2', ...advised[1]!.split(' ')]);
  assert.equal(kept.code, 0, kept.stdout + kept.stderr);
  assert.match(kept.stderr, /6 completions of identical requests taken over from strict instead/);
  assert.deepEqual(provider.answered, bought, 'nothing was bought');
  const { results } = await newestResults(place.outputDir);
  assert.ok(results.every(({ completions }) => completions.every(({ truncated }) => truncated)));

  assert.equal((await place.run(file, ['--completions', '1', '--reject-truncated', '--new'])).code, 3);
  assert.ok(provider.answered.requests > bought.requests, 'a run that rejects them buys its own');
});

test('what another batch is buying at the moment is not waited for', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    script: ({ prompt, total }) => (prompt.includes('number 2') && total <= 2 ? gate.script() : undefined),
  });
  const { provider } = place;
  const two = await place.write('two.json', promptTexts(2));
  const three = await place.write('three.json', promptTexts(3));
  const run = place.startRun(two, ['--id', 'open', '--max-workers', '2']);
  await provider.until(() => provider.answered.requests === 1 && provider.inFlight === 1);
  const other = await place.run(three);
  assert.equal(other.code, 0, other.stderr);
  assert.match(other.stderr, /1 completion of identical requests taken over from open/);
  assert.equal(provider.answered.requests, 1 + 2);
  gate.open();
  assert.equal((await run.ended).code, 0);
  assert.equal(provider.answered.requests, 4);
});

test('an estimate counts what the folder has as free, and so does the cap', async (t) => {
  const place = await createWorkplace(t, server);
  const flags = ['--completions', '2', ...prices];
  const endpoint = [
    '--provider',
    'openai-compatible',
    '--model',
    'test-model',
    '--base-url',
    place.provider.baseUrl,
  ];
  const texts = promptTexts(5);
  const file = await place.write('prompts.json', texts);
  assert.equal((await place.run(file, ['--id', 'paid', ...flags])).code, 0);
  const edited = await place.write('edited.json', ['Edited?', ...texts.slice(1)]);
  const alone = await place.write('alone.json', ['Edited?']);
  const estimateOf = async (name: string, more: string[] = []) => {
    const told = await place.cli([
      'estimate',
      name,
      ...endpoint,
      '--output-dir',
      'out',
      ...flags,
      ...more,
      '--json',
    ]);
    assert.equal(told.code, 0, told.stderr);
    return told.lines.at(-1)!;
  };
  const whole = await estimateOf(edited);
  const row = await estimateOf(alone);
  assert.deepEqual([whole['reused_completions'], row['reused_completions']], [8, 0]);
  assert.deepEqual(whole['cost'], row['cost']);
  assert.deepEqual([whole['prompts'], whole['completions'], whole['requests']], [5, 10, row['requests']]);
  const anew = await estimateOf(edited, ['--no-reuse']);
  assert.ok(anew['cost'].low > 4 * whole['cost'].low && anew['reused_completions'] === 0);

  // Enough for the one row at its worst, and for no other.
  const cap = String(2 * row['cost'].high);
  const capped = await place.run(edited, [...flags, '--max-cost', cap]);
  assert.equal(capped.code, 0, capped.stdout + capped.stderr);
});

test('identical prompts in one file are bought each, and reused each', async (t) => {
  const place = await createWorkplace(t, server);
  const twice = await place.write('twice.json', ['Same?', 'Other?', 'Same?']);
  assert.equal((await place.run(twice, ['--id', 'twice'])).code, 0);
  assert.equal(place.provider.requests, 3);
  const thrice = await place.write('thrice.json', ['Same?', 'Same?', 'Same?']);
  const { code, stderr } = await place.run(thrice, ['--id', 'thrice', '--reuse', 'twice']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /2 completions of identical requests taken over from twice/);
  assert.equal(place.provider.requests, 4);
  const { results } = await newestResults(place.outputDir);
  const texts = results.map(({ completions }) => completions[0]!.text);
  assert.equal(new Set(texts).size, 3, 'no answer stands twice');
});

test('a batch that is removed before its answers are copied: they are bought, with a warning', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const texts = promptTexts(4);
  const [two, others] = [texts.slice(0, 2), texts.slice(2)];
  assert.equal((await place.run(await place.write('two.json', two), ['--id', 'stays'])).code, 0);
  assert.equal((await place.run(await place.write('others.json', others), ['--id', 'goes'])).code, 0);
  // No worker: nothing is copied yet.
  const started = await place.run(await place.write('all.json', texts), ['--id', 'all', '--detach']);
  assert.equal(started.code, 0, started.stderr);
  assert.match(started.stderr, /4 completions of identical requests taken over from goes, stays/);
  await rm(join(place.outputDir, 'goes'), { recursive: true });
  const { code, stdout, stderr } = await place.cli(['resume', 'all']);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /2 completions to be reused from goes can no longer be read and will be bought/);
  for (const text of texts)
    assert.equal(provider.requestsPerPrompt.get(text), others.includes(text) ? 2 : 1, text);
  const { summary } = await newestResults(place.outputDir);
  assert.deepEqual([summary.successful_items, summary.bill.reused_completions], [4, 2]);
  const audit = await place.cli(['audit', 'all']);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
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

  for (const sign of [/taken over from old /, /"type":"note","message":"Batch grown/]) {
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
