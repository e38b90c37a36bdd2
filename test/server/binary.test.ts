import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { findTemporalBinary } from '../../src/server/binary.ts';
import type { BinaryFetcher } from '../../src/server/binary-fetchers.ts';
import { temporalProgram, writeProgram } from '../support/stand-in-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Stand-ins are scripts, which Windows does not start. */
const skip = process.platform === 'win32';

const search = async (t: TestContext, env: NodeJS.ProcessEnv = {}, fetchers: BinaryFetcher[] = []) => {
  const home = await temporaryFolder(t);
  const log: string[] = [];
  const find = () => findTemporalBinary({ home, env, log: (line) => log.push(line), fetchers });
  return { home, log, find };
};

const fetcherOf = (name: string, fetch: BinaryFetcher['fetch']) => {
  const calls: string[] = [];
  return {
    calls,
    fetcher: {
      name,
      fetch: async (file: string, folder: string) => {
        calls.push(file);
        await fetch(file, folder);
      },
    },
  };
};
const working = () =>
  fetcherOf('a good way', async (file) => void (await writeProgram(file, temporalProgram)));
const broken = () =>
  fetcherOf('a bad way', async () => {
    throw new Error('the wire is cut');
  });

describe('findTemporalBinary', { skip }, () => {
  test('takes DURABATCH_TEMPORAL_BIN before anything else', async (t) => {
    const folder = await temporaryFolder(t);
    const named = await writeProgram(join(folder, 'named', 'my-temporal'), temporalProgram);
    await writeProgram(join(folder, 'path', 'temporal'), temporalProgram);
    const { find } = await search(t, { DURABATCH_TEMPORAL_BIN: named, PATH: join(folder, 'path') });
    assert.equal(await find(), named);
  });

  const unusable: [string, (folder: string) => Promise<string>, RegExp][] = [
    ['is missing', async (folder) => join(folder, 'none'), /there is no such file/],
    [
      'is not a program',
      async (folder) => {
        await writeFile(join(folder, 'text'), 'no program');
        return join(folder, 'text');
      },
      /it does not run \(.*EACCES.*\)/,
    ],
    [
      'ends with an error',
      (folder) => writeProgram(join(folder, 'bad'), 'process.exit(3)'),
      /it does not run/,
    ],
    [
      'is another program',
      (folder) => writeProgram(join(folder, 'other'), 'console.log(1)'),
      /it has no "server start-dev"/,
    ],
  ];
  for (const [what, make, message] of unusable) {
    test(`says so when the file in DURABATCH_TEMPORAL_BIN ${what}, and looks no further`, async (t) => {
      const { calls, fetcher } = working();
      const named = await make(await temporaryFolder(t));
      const { find } = await search(t, { DURABATCH_TEMPORAL_BIN: named }, [fetcher]);
      await assert.rejects(find(), (error: Error) => {
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`DURABATCH_TEMPORAL_BIN=${named}: expected the Temporal CLI`));
        return true;
      });
      assert.deepEqual(calls, []);
    });
  }

  test('takes the first usable one on the PATH', async (t) => {
    const folder = await temporaryFolder(t);
    await writeProgram(join(folder, 'a', 'temporal'), 'process.exit(1)');
    const good = await writeProgram(join(folder, 'b', 'temporal'), temporalProgram);
    const { find } = await search(t, { PATH: ['a', 'b'].map((name) => join(folder, name)).join(delimiter) });
    assert.equal(await find(), good);
  });

  test('fetches once, tells so, and leaves nothing else behind', async (t) => {
    const bad = broken();
    const good = working();
    const { home, log, find } = await search(t, {}, [bad.fetcher, good.fetcher]);
    assert.equal(await find(), join(home, 'bin', 'temporal'));
    assert.equal(await find(), join(home, 'bin', 'temporal'));
    assert.equal(good.calls.length, 1);
    assert.match(log.join('\n'), /a bad way[^]*a good way/);
    assert.deepEqual((await readdir(join(home, 'bin'))).sort(), ['fetch.lock', 'temporal']);
  });

  test('fetches once for searches at the same time', async (t) => {
    const { calls, fetcher } = working();
    const { find } = await search(t, {}, [fetcher]);
    const found = await Promise.all([find(), find(), find()]);
    assert.equal(new Set(found).size, 1);
    assert.equal(calls.length, 1);
  });

  test('fetches again when the kept file is damaged', async (t) => {
    const { calls, fetcher } = working();
    const { home, find } = await search(t, {}, [fetcher]);
    await writeProgram(join(home, 'bin', 'temporal'), 'process.exit(1)');
    await find();
    assert.equal(calls.length, 1);
  });

  test('names every way it tried, why each failed, and what to do', async (t) => {
    const folder = await temporaryFolder(t);
    const onPath = await writeProgram(join(folder, 'temporal'), 'process.exit(1)');
    const unfit = fetcherOf('an odd way', async (file) => void (await writeProgram(file, 'console.log(1)')));
    const { home, find } = await search(t, { PATH: folder }, [broken().fetcher, unfit.fetcher]);
    await assert.rejects(find(), (error: Error) => {
      assert.ok(error.message.includes(`- ${onPath} on the PATH: it does not run`), error.message);
      assert.match(error.message, /- a bad way: the wire is cut/);
      assert.match(error.message, /- an odd way: it has no "server start-dev"/);
      assert.match(
        error.message,
        /DURABATCH_TEMPORAL_BIN, or name a running Temporal server in TEMPORAL_ADDRESS/,
      );
      return true;
    });
    assert.deepEqual(await readdir(join(home, 'bin')), ['fetch.lock']);
  });
});
