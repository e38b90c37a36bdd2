import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { batchIdIn, createWorkplace } from './workplace.ts';

const server = useTestServer();

/** Looks like commands of ours, as texts of models, prompts and providers may. */
const SAID = 'First type\n\tdurabatch run a.json\nthen:  durabatch list, "durabatch resume x"';
const REFUSAL = 'try: durabatch status x';

test('who came by npm is shown commands with npx, and the texts of others as they are', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) =>
      /refuse/.test(prompt) ? reply.status(400, { message: REFUSAL }) : reply.ok({ text: SAID }),
  });
  const env = { ...place.env, npm_command: 'exec' };
  const file = await place.write('prompts.json', {
    batch_name: 'durabatch cancel y',
    prompts: [
      { prompt_id: 'durabatch watch z', prompt: 'durabatch tail q' },
      { prompt_id: 'bad', prompt: 'refuse: durabatch tail q' },
    ],
  });
  const run = await place.run(file, [], { env });
  assert.equal(run.code, 3, run.stderr);
  const id = await batchIdIn(place.outputDir);
  const others: [text: string, where: (typeof looks)[number]['name']][] = [
    [SAID, 'tail'],
    ['durabatch watch z ·', 'tail'],
    [REFUSAL, 'run'],
    ['durabatch cancel y', 'run'],
    ['durabatch cancel y', 'status'],
    ['durabatch cancel y', 'watch'],
  ];
  const looks = [
    { name: 'run', shown: run.stdout + run.stderr },
    ...(await Promise.all(
      [
        ['tail', id, '--no-follow'],
        ['status', id],
        ['watch', id],
        ['report', id],
        ['list'],
        ['audit', id],
      ].map(async (args) => {
        const { stdout, stderr } = await place.cli(args, { env });
        return { name: args[0]!, shown: stdout + stderr };
      }),
    )),
  ];
  for (const [text, where] of others) {
    const { shown } = looks.find(({ name }) => name === where)!;
    assert.ok(shown.includes(text), `${where} shows ${JSON.stringify(text)}:\n${shown}`);
    assert.ok(!shown.includes(`npx ${text}`), shown);
  }
  for (const { name, shown } of looks)
    assert.doesNotMatch(
      shown,
      /npx durabatch (run a|list, |resume x|status x|cancel y|watch z|tail q)/,
      name,
    );
  const tailed = looks.find(({ name }) => name === 'tail')!.shown;
  assert.ok(tailed.includes(`npx durabatch tail ${id} --cursor `), tailed);
  assert.match(run.stdout + run.stderr, /npx durabatch server stop/);

  const lines = (await place.cli(['tail', id, '--no-follow', '--json'], { env })).lines;
  assert.equal(lines.find(({ type }) => type === 'completion')?.['text'], SAID);
  const { code, stderr } = await place.cli(['status', 'nobody, durabatch run a'], { env });
  assert.equal(code, 2);
  assert.match(stderr, /nobody, durabatch run a/);
});

test('errors name the command with npx, and what they quote as it was', async (t) => {
  const place = await createWorkplace(t, server);
  const env = { ...place.env, npm_command: 'exec' };
  const unknown = await place.cli(['status', 'nobody'], { env });
  assert.match(unknown.stderr, /"npx durabatch list" shows the batches there are/);
  const file = await place.write('durabatch run x.json', [{ prompt: 'durabatch list here', tools: 1 }, 7]);
  const { code, stderr } = await place.run(file, [], { env });
  assert.equal(code, 2);
  assert.match(stderr, /durabatch run x\.json: /);
  assert.doesNotMatch(stderr, /npx durabatch run x/);
});
