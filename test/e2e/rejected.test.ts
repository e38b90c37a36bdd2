import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { createWorkplace } from './workplace.ts';

const server = useTestServer();

test('where every failure is a rejection, the next step is the failures file, and it can be run as typed', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) =>
      prompt === 'refuse' ? reply.status(400, { message: 'content policy' }) : undefined,
  });
  const file = await place.write('prompts.json', ['refuse', 'answer']);
  const run = await place.run(file, ['--json', '--max-tokens', '32']);
  assert.equal(run.code, 3, run.stderr);
  const summary = run.lines.at(-1)!;
  const failuresFile: string = summary['failures_file'];
  const { command } = summary['next_step'];
  assert.ok(command.startsWith(`durabatch run ${failuresFile} `), command);
  const status = (await place.cli(['status', summary['batch_id'], '--json'])).lines.at(-1)!;
  assert.equal(status['next_step'].command, command);

  await writeFile(failuresFile, (await readFile(failuresFile, 'utf8')).replace('refuse', 'please answer'));
  const second = await place.cli([...command.split(' ').slice(1), '--json']);
  assert.equal(second.code, 0, second.stderr);
  assert.equal(second.lines.at(-1)!['successful_items'], 1);
  const bodies = place.provider.requestsLog.map(({ body }) => ({ ...body, messages: null }));
  assert.deepEqual(bodies[2], bodies[0]);
});

test('where another kind of failure is among them, the next step is to retry', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt }) =>
      prompt === 'refuse'
        ? reply.status(400, { message: 'content policy' })
        : prompt === 'say nothing'
          ? reply.ok({ text: '' })
          : undefined,
  });
  const file = await place.write('prompts.json', ['refuse', 'say nothing', 'answer']);
  const { lines } = await place.run(file, ['--json']);
  const { batch_id: id, next_step: step } = lines.at(-1)!;
  assert.equal(step.command, `durabatch retry ${id}`);
});
