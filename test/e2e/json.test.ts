import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { createProgram } from '../../src/client/program.ts';
import type { CliOptions, CliResult } from '../support/cli.ts';
import { type FakeScript, reply } from '../support/fake-provider.ts';
import { differences, documentedPath, readJsonDocs, valuesOf } from '../support/json-docs.ts';
import { createTestHome, useTestServer, testEnv, type TestServer } from '../support/temporal-server.ts';
import { createGate, createWorkplace, promptTexts, reportFiles } from './workplace.ts';

const server = useTestServer();

const docs = readJsonDocs();

test('every command takes --json and is documented, and no other', () => {
  const { commands } = createProgram();
  assert.deepEqual(
    commands.map((command) => command.name()).sort(),
    [...docs.commands.keys()].sort(),
    'the commands there are, and those in docs/json.md',
  );
  for (const command of commands)
    assert.ok(
      command.options.some(({ long }) => long === '--json'),
      command.name(),
    );
});

/** Asks for everything of which a field tells: refusals, reasoning, cached input, requests that are lost. */
const eventful: FakeScript = ({ prompt, promptCount, total }) => {
  if (prompt.includes('number 1?')) return reply.status(400, { message: 'too rude' });
  if (total > 6) return reply.status(402, { message: 'no balance' });
  if (promptCount === 1 && prompt.includes('number 2?')) return reply.cut('mid-body');
  const usage = { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 };
  const details = {
    prompt_tokens_details: { cached_tokens: 8 },
    completion_tokens_details: { reasoning_tokens: 4 },
  };
  return reply.ok({
    reasoning: 'Let me see.',
    usage: { ...usage, ...details },
    fields: { service_tier: 'default' },
  });
};

/** Knows the address of the server, and no folder of a batch. */
async function anotherMachine(t: TestContext, { address }: TestServer): Promise<CliOptions> {
  const home = await createTestHome();
  t.after(() => rm(home, { recursive: true, force: true }));
  return { env: { ...(await testEnv(home)), TEMPORAL_ADDRESS: address }, cwd: home };
}

async function terminate(batchId: string, { address }: TestServer): Promise<void> {
  const connection = await Connection.connect({ address });
  await new Client({ connection }).workflow.getHandle(batchId).terminate('by hand');
  await connection.close();
}

test('what the commands print is what docs/json.md says, field by field', async (t) => {
  const place = await createWorkplace(t, server, { script: eventful });
  const { provider, cli } = place;
  const printed = new Map<string, Record<string, unknown>[]>();
  const wrong: string[] = [];

  const collect = (command: string, { lines }: CliResult): void => {
    for (const line of lines) {
      const type = String(line['type']);
      printed.set(type, [...(printed.get(type) ?? []), line]);
      if (!docs.commands.get(command)?.has(type))
        wrong.push(`${command} prints ${type}, which is not documented`);
      else
        wrong.push(...differences(line, docs.lines.get(type)!).map((each) => `${command}: ${type}: ${each}`));
    }
  };
  const tell = async (
    code: number,
    args: string[],
    options: Partial<CliOptions> = {},
  ): Promise<CliResult> => {
    const result = await cli([...args, '--json'], options);
    assert.equal(result.code, code, `${args.join(' ')}\n${result.stdout}${result.stderr}`);
    collect(args[0]!, result);
    return result;
  };

  const prices = ['--price-input', '1', '--price-output', '2', '--price-cached', '0.1'];
  const file = await place.write('prompts.json', { description: 'All sorts.', prompts: promptTexts(12) });
  const ask = ['--provider', 'openai-compatible', '--model', 'm', '--base-url', provider.baseUrl];
  await tell(0, ['estimate', file, ...ask, ...prices, '--rpm', '600', '--tpm', '90000']);
  await tell(2, ['run']);
  await tell(2, ['status', 'nobody']);

  const run = ['run', file, ...ask, ...prices, '--output-dir', 'out', '--completions', '1'];
  await tell(5, [...run, '--id', 'eventful', '--max-workers', '1']);
  await tell(0, ['status', 'eventful']);
  await tell(0, ['report', 'eventful', '--to', 'partial']);
  await tell(0, ['set', 'eventful', '--max-cost', '5']);
  await tell(0, ['add', 'eventful', await place.write('more.json', [{ prompt: 'One more?' }])]);
  await tell(0, ['audit', 'eventful']);

  provider.script = ({ prompt }) => (prompt.includes('number 1?') ? reply.status(400) : undefined);
  await tell(3, ['resume', 'eventful']);
  await tell(3, ['watch', 'eventful']);
  await tell(0, ['report', 'eventful', '--to', 'whole']);
  const [results] = await reportFiles(place.outputDir, '.json');
  const text = await readFile(join(place.outputDir, results!), 'utf8');
  const changed = text
    .replace('"successful_items": 11', '"successful_items": 12')
    .replace('"Answer ', '"Other ');
  await writeFile(join(place.outputDir, results!), changed);
  await tell(1, ['audit', 'eventful']);
  provider.script = undefined;
  await tell(0, ['retry', 'eventful']);
  await tell(0, [...run, '--id', 'reusing', '--reuse', 'eventful']);
  await tell(0, ['tail', 'reusing', '--no-follow']);
  await tell(0, ['add', 'reusing', await place.write('last.json', [{ prompt: 'A last one?' }])]);
  await tell(0, ['tail', 'reusing']);

  const unpriced = ['run', await place.write('one.json', promptTexts(1)), ...ask, '--output-dir', 'out'];
  await tell(0, [...unpriced, '--id', 'unpriced', '--no-reuse']);

  // The first refusal holds back everyone: both have to be on their way before it.
  const gate = createGate();
  provider.script = async () => {
    await gate.script();
    return reply.status(429, { headers: { 'retry-after': '600' } });
  };
  const asked = provider.requests;
  const limits = [
    '--no-reuse',
    '--max-workers',
    '2',
    '--rpm',
    '6000',
    '--max-cost',
    '5',
    '--max-failures',
    '50%',
  ];
  const waiting = place.start([...run, '--id', 'waiting', ...limits, '--json']);
  await provider.until(() => provider.inFlight === 2);
  gate.open();
  await provider.until(() => provider.requests === asked + 2 && provider.inFlight === 0);
  while ((await tell(0, ['status', 'waiting'])).lines[0]!['waiting'] === null);
  const watch = place.start(['watch', 'waiting', '--json']);
  await watch.said(/"in_retry":[1-9]/);
  watch.kill('SIGINT');
  collect('watch', await watch.ended);
  waiting.kill('SIGINT');
  collect('run', await waiting.ended);

  const { script: refusing } = provider;
  const held = createGate();
  const last = provider.requests + 15;
  provider.script = ({ total }) => (total > last ? held.script() : undefined);
  const many = await place.write('many.json', promptTexts(60));
  const pace = ['--completions', '1', '--max-workers', 'auto:1', '--no-reuse'];
  const paced = place.start(['run', many, ...ask, ...pace, '--output-dir', 'out', '--id', 'paced', '--json']);
  await paced.said(/"succeeded":[1-9]/);
  while ((await tell(0, ['status', 'paced'])).lines[0]!['eta_seconds'] === null);
  paced.kill('SIGINT');
  held.open();
  collect('run', await paced.ended);
  provider.script = refusing;

  await tell(0, [...run, '--id', 'detached', '--no-reuse', '--detach']);
  const worker = place.start(['worker', '--output-dir', 'out', '--json']);
  await worker.said(/Working on the open batches/);
  worker.kill('SIGINT');
  collect('worker', await worker.ended);
  const elsewhere = await anotherMachine(t, server);
  await tell(0, ['pause', 'detached', '--reason', 'to look at it'], elsewhere);
  await tell(5, ['watch', 'detached'], elsewhere);
  await tell(5, ['watch', 'detached']);
  await tell(0, ['resume', 'detached'], elsewhere);
  await tell(0, ['list'], elsewhere);
  await tell(2, ['add', 'detached', file], elsewhere);
  await tell(0, ['cancel', 'detached'], elsewhere);
  await tell(0, [...run, '--id', 'terminated', '--no-reuse', '--detach']);
  await terminate('terminated', server);
  while ((await tell(0, ['status', 'terminated'])).lines[0]!['ended_outside'] === null);
  await mkdir(join(place.outputDir, 'damaged'));
  await writeFile(join(place.outputDir, 'damaged', 'batch.json'), '{');
  await tell(0, ['list', '--output-dir', 'out']);
  await tell(0, ['server', 'status']);
  await tell(0, ['completion', 'bash']);
  await tell(0, ['doctor', '--provider', 'simulated', '--output-dir', 'out']);
  await tell(1, [
    'doctor',
    '--provider',
    'openai-compatible',
    '--base-url',
    'http://127.0.0.1:9',
    '--output-dir',
    'out',
  ]);
  await tell(0, [...run, '--id', 'left-open', '--no-reuse', '--detach']);
  await tell(0, ['server', 'stop']);

  assert.deepEqual([...new Set(wrong)], []);
  const unseen = [...docs.lines].flatMap(([type, fields]) => {
    const values = (printed.get(type) ?? []).flatMap((line) => valuesOf(line));
    const seen = new Set(
      values.filter(({ value }) => value !== null).map(({ path }) => documentedPath(path, fields)),
    );
    return [...fields]
      .filter(([path, { isInherited }]) => isInherited !== true && !seen.has(path))
      .map(([path]) => `${type}: ${path}`);
  });
  assert.deepEqual(unseen, [], 'documented, and never printed');
});
