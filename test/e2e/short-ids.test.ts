import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useTestServer } from '../support/temporal-server.ts';
import { createWorkplace, promptTexts, reportFiles, type Workplace } from './workplace.ts';

const server = useTestServer();

async function finished(place: Workplace, id: string, flags: readonly string[] = []): Promise<void> {
  const file = await place.write('prompts.json', promptTexts(2));
  const { code, stdout, stderr } = await place.run(file, ['--id', id, ...flags]);
  assert.equal(code, 0, stdout + stderr);
}

/** The id of the batch that `status` tells of. */
async function told(place: Workplace, typed: string, flags: readonly string[] = []): Promise<string> {
  const { code, lines, stdout, stderr } = await place.cli(['status', typed, '--json', ...flags]);
  assert.equal(code, 0, stdout + stderr);
  return lines.at(-1)!['batch_id'];
}

test('an empty id is no beginning of one, though there is only one batch', async (t) => {
  const place = await createWorkplace(t, server);
  await finished(place, 'only');
  const file = await place.write('more.json', ['one more']);
  for (const line of [
    ['cancel', ''],
    ['pause', ' '],
    ['resume', ''],
    ['retry', ''],
    ['status', ''],
    ['watch', ''],
    ['report', ''],
    ['add', '', file],
    ['run', file, '--reuse', ''],
    ['cancel', '/'],
  ]) {
    const { code, stderr } = await place.cli(line);
    assert.equal(code, 2, `${line.join(' ')}: ${stderr}`);
    assert.match(stderr, /an id of a batch was expected, got an empty text|"\/" is no folder of a batch/);
  }
  assert.equal(place.provider.requests, 2);
});

test('the beginning of an id is enough where it is the only one, an exact id wins, @last is the newest', async (t) => {
  const place = await createWorkplace(t, server);
  await finished(place, 'poems');
  await finished(place, 'poems-b-12');
  await finished(place, 'Jokes-1');

  assert.equal(await told(place, 'poems'), 'poems');
  assert.equal(await told(place, 'poems-'), 'poems-b-12');
  assert.equal(await told(place, 'jo'), 'Jokes-1');
  assert.equal(await told(place, '@last'), 'Jokes-1');
  assert.equal(await told(place, '@last', ['--output-dir', 'out']), 'Jokes-1');

  const ambiguous = await place.cli(['cancel', 'po', '--json']);
  assert.equal(ambiguous.code, 2);
  assert.match(
    ambiguous.lines.at(-1)!['message'],
    /^2 batches begin with "po": poems, poems-b-12\. Type enough/,
  );

  // A later run does not make a batch newer.
  assert.equal((await place.cli(['report', 'poems-'])).code, 0);
  assert.equal(await told(place, '@last'), 'Jokes-1');

  // The hook before every command takes care of it: of each kind of argument and flag, one.
  for (const [command, more] of [
    ['tail', ['--no-follow']],
    ['report', ['--to', 'elsewhere']],
  ] as const) {
    const { code, stdout, stderr } = await place.cli([command, 'jo', ...more]);
    assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
  }
  for (const [command, more] of [
    ['pause', []],
    ['set', ['--patience', '1h']],
  ] as const) {
    const { code, stderr } = await place.cli([command, '@last', ...more]);
    assert.equal(code, 2);
    assert.doesNotMatch(stderr, /there is no batch|@last/);
  }
  const added = await place.cli(['add', 'jo', await place.write('more.json', ['One more?'])]);
  assert.equal(added.code, 0, added.stdout + added.stderr);
  assert.ok((await reportFiles(place.outputDir, '.json')).length >= 4);
});

test('--reuse takes the beginning of an id and @last', async (t) => {
  const place = await createWorkplace(t, server);
  await finished(place, 'source-1');
  assert.equal(place.provider.requests, 2);
  await finished(place, 'second', ['--reuse', 'sour']);
  await finished(place, 'third', ['--reuse', '@last']);
  // Typed again, the newest batch is the very one that is gone on with.
  await finished(place, 'third', ['--reuse', '@last']);
  assert.equal(place.provider.requests, 2);
});

test('a batch that only the server knows is found by the beginning of its id, and never by @last', async (t) => {
  const place = await createWorkplace(t, server);
  const other = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(2));
  const started = await place.run(file, ['--id', 'far-away-1', '--detach']);
  assert.equal(started.code, 0, started.stderr);
  const env = { ...other.env, DURABATCH_HOME: `${other.folder}/home`, TEMPORAL_ADDRESS: server.address };
  const far = await other.cli(['status', 'far-aw', '--json'], { env });
  assert.equal(far.lines.at(-1)!['batch_id'], 'far-away-1', far.stdout + far.stderr);
  const last = await other.cli(['cancel', '@last'], { env });
  assert.equal(last.code, 2);
  assert.match(last.stderr, /@last: there is no batch on this machine yet/);
});
