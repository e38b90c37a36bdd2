import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { useTestServer } from '../support/temporal-server.ts';
import { createWorkplace, promptTexts, readResults } from './workplace.ts';

const server = useTestServer();

test('a worker that can write no home works: it needs no state of its own', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(3));
  assert.equal((await place.run(file, ['--id', 'homeless', '--detach'])).code, 0);

  // Not even root can make a folder below a file.
  const blocked = join(place.folder, 'no-folder');
  await writeFile(blocked, '');
  const { DURABATCH_HOME, TEMPORAL_CONFIG_FILE, ...others } = place.env;
  assert.ok(DURABATCH_HOME && TEMPORAL_CONFIG_FILE);
  const env = {
    ...others,
    HOME: join(blocked, 'home'),
    XDG_DATA_HOME: join(blocked, 'data'),
    XDG_CONFIG_HOME: join(blocked, 'config'),
    XDG_CACHE_HOME: join(blocked, 'cache'),
    XDG_STATE_HOME: join(blocked, 'state'),
    TMPDIR: join(blocked, 'tmp'),
    TEMPORAL_ADDRESS: server.address,
  };
  // Who has started the batch stands in a home that this worker cannot see.
  const allowed = ['--allow-base-url', place.provider.baseUrl];
  const worker = place.start(['worker', '--output-dir', 'out', ...allowed], { env });
  await worker.said(/homeless: done/);
  worker.kill('SIGTERM');
  const { code, stderr } = await worker.ended;
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /Cannot look after|ENOTDIR/);
  const { summary } = await readResults(place.outputDir);
  assert.equal(summary.successful_items, 3);
});
