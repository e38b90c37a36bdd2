import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { createWorkplace, promptTexts } from './workplace.ts';

const server = useTestServer();

/** Every second prompt is refused, each in words of its own. */
const half = ({ prompt }: { prompt: string }) =>
  Number(/\d+/.exec(prompt)![0]) % 2 === 0 ? reply.status(400, { message: `no: ${prompt}` }) : undefined;

for (const [limit, allowed] of [
  ['3', 3],
  ['25%', 5],
] as const) {
  test(`--max-failures ${limit} of 20 pauses past ${allowed}; "resume" goes on, and allows as many again`, async (t) => {
    const place = await createWorkplace(t, server, { script: half });
    const file = await place.write('prompts.json', promptTexts(20));
    const flags = ['--id', 'limited', '--max-workers', '1', '--max-failures', limit, '--json'];
    let end = await place.run(file, flags);
    const failedAtPause: number[] = [];
    while (end.code === 5 && failedAtPause.length < 10) {
      const { pause, failed_items: failed, next_step: next } = end.lines.at(-1)!;
      assert.equal(pause.reason, 'failures');
      const since = failedAtPause.length > 0 ? ' since the batch was resumed' : '';
      assert.match(
        pause.message,
        new RegExp(`^${allowed + 1} prompts failed${since}, more than --max-failures ${limit};`),
      );
      assert.match(pause.message, /HTTP 400: no: Question number/);
      assert.equal(next.command, 'durabatch resume limited');
      failedAtPause.push(failed);
      end = await place.cli(['resume', 'limited', '--json']);
    }
    const once = allowed + 1;
    assert.deepEqual(
      failedAtPause,
      Array.from({ length: Math.floor(10 / once) }, (_, i) => (i + 1) * once),
    );
    assert.deepEqual([end.code, end.lines.at(-1)!['failed_items']], [3, 10], end.stdout + end.stderr);
    assert.equal(place.provider.requests, 20, 'nobody was asked twice');
  });
}

test('"resume --max-failures" lifts the limit', async (t) => {
  const place = await createWorkplace(t, server, { script: half });
  const file = await place.write('prompts.json', promptTexts(8));
  const first = await place.run(file, ['--id', 'lifted', '--max-workers', '1', '--max-failures', '0']);
  assert.equal(first.code, 5, first.stdout + first.stderr);
  const end = await place.cli(['resume', 'lifted', '--max-failures', '100%', '--json']);
  assert.deepEqual([end.code, end.lines.at(-1)!['failed_items']], [3, 4], end.stdout + end.stderr);
});
