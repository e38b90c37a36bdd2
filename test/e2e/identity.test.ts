/** The same requests are the same batch: under another name, from another machine an upgrade. */
import assert from 'node:assert/strict';
import { cp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { searchAttributes } from '../../src/workflows/display/search-attributes.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { batchIdIn, batchIdsIn, createWorkplace, promptTexts, readLedger, otherUser } from './workplace.ts';

const server = useTestServer();

test('a renamed copy, and two commands at once: one batch, bought once', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const texts = promptTexts(3);
  const files = [await place.write('a.json', texts), await place.write('b.json', texts)];
  const both = await Promise.all(files.map((file) => place.run(file)));
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
    both.map(({ stdout, stderr }) => stdout + stderr).join(),
  );
  const id = await batchIdIn(place.outputDir);
  const copy = await place.run(await place.write('copy.json', texts));
  assert.equal(copy.code, 0, copy.stderr);
  assert.match(copy.stderr, new RegExp(`The same requests are batch ${id}, made from [ab]\\.json`));
  assert.match(copy.stderr, /This batch was finished before/);
  assert.deepEqual(await batchIdsIn(place.outputDir), [id]);
  assert.equal(provider.requests, 3);
});

test('what the server knows of another folder is refused; --new buys it; a folder that is gone is only named', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  const texts = promptTexts(2);
  const file = await place.write('prompts.json', texts);
  assert.equal((await place.run(file)).code, 0);
  const id = await batchIdIn(place.outputDir);
  const env = await otherUser(t, server, place.env);

  for (const name of ['prompts.json', 'copy.json']) {
    const refused = await place.run(await place.write(name, texts), ['--output-dir', 'theirs'], { env });
    assert.equal(refused.code, 2, refused.stdout + refused.stderr);
    assert.ok(
      refused.stderr.includes(
        `batch ${id} on this Temporal server already, in ${place.outputDir} on ${hostname()}`,
      ),
      refused.stderr,
    );
    assert.match(refused.stderr, /--new/);
  }
  assert.ok(!(await readdir(place.folder)).includes('theirs'));
  assert.equal(provider.requests, 2);

  const anew = await place.run(file, ['--output-dir', 'theirs', '--new', '--id', 'theirs'], { env });
  assert.equal(anew.code, 0, anew.stdout + anew.stderr);
  assert.equal(provider.requests, 4);

  await rm(join(place.folder, 'theirs'), { recursive: true });
  await rm(join(place.outputDir, id), { recursive: true });
  const gone = await place.run(file, ['--output-dir', 'new'], { env });
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  assert.ok(
    gone.stderr.includes(`were batch ${id} in ${place.outputDir}, which is not there any more`),
    gone.stderr,
  );
  assert.equal(provider.requests, 6);
});

test('a server without the attribute for the hash finds it all the same', async (t) => {
  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  const names = [searchAttributes.BatchHash.name];
  await connection.operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: names });
  const place = await createWorkplace(t, server);
  const theirs = { ...place.env, TEMPORAL_ADDRESS: server.address };
  const texts = promptTexts(2);
  assert.equal(
    (await place.run(await place.write('a.json', texts), ['--id', 'plain'], { env: theirs })).code,
    0,
  );
  const handle = new Client({ connection }).workflow.getHandle('plain');
  const { typedSearchAttributes } = await handle.describe();
  const noted = typedSearchAttributes.getAll().map(({ key }) => key.name);
  assert.ok(noted.includes('BatchState') && !noted.includes('BatchHash'), noted.join());
  const env = await otherUser(t, server, place.env);
  const refused = await place.run(await place.write('b.json', texts), ['--output-dir', 'theirs'], { env });
  assert.equal(refused.code, 2, refused.stdout + refused.stderr);
  assert.ok(refused.stderr.includes('batch plain on this Temporal server already'), refused.stderr);
});

test('batches of version 0.1.0, finished and half done, meet the same command: nothing is bought again', async (t) => {
  const fixtures = fileURLToPath(new URL('../fixtures/batches-0.1.0', import.meta.url));
  const place = await createWorkplace(t, server);
  const out = join(place.folder, 'out');
  await cp(fixtures, out, { recursive: true });
  const long = new Date('2026-01-01');
  for (const name of await readdir(out, { recursive: true })) {
    const file = join(out, name);
    if (name.endsWith('batch.json'))
      await writeFile(file, (await readFile(file, 'utf8')).replaceAll('/durabatch/out', out));
    // Written to just now, it would seem to be of a process that lives.
    await utimes(file, long, long);
  }
  const run = (name: string) =>
    place.cli([
      'run',
      join(out, name),
      '--provider',
      'simulated',
      '--simulate-latency',
      '0',
      '--output-dir',
      'out',
    ]);
  const recorded = await batchIdsIn(out);
  const finished = await run('finished.json');
  assert.equal(finished.code, 0, finished.stdout + finished.stderr);
  assert.match(finished.stderr, /This batch was finished before, and nothing was run now/);

  const half = join(out, 'half-6bd2c7171487');
  const bought = (await readLedger(half)).flatMap((record) =>
    record.type === 'answer' ? record.choices.map(({ sample }) => `${record.index}.${sample}`) : [],
  );
  assert.ok(bought.length >= 5, String(bought.length));
  const resumed = await run('half.json');
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  const asked = (await readLedger(half)).flatMap((record) =>
    record.type === 'start' && record.run > 1
      ? record.samples.map((sample) => `${record.index}.${sample}`)
      : [],
  );
  assert.deepEqual(
    asked.filter((sample) => bought.includes(sample)),
    [],
  );
  assert.equal(asked.length + bought.length, 7 * 2 + 1);
  assert.deepEqual(await batchIdsIn(out), recorded);
});
