import assert from 'node:assert/strict';
import { access, chmod, chown, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { findTemporalBinary } from '../../src/temporal-server/binary.ts';
import type { BinaryFetcher } from '../../src/temporal-server/binary-fetchers.ts';
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

  /** Where a program of the right name stands; why it is not executed. */
  const untrusted: [string, (folder: string) => Promise<{ program: string; entry: string }>, RegExp][] = [
    [
      'an empty entry',
      async (folder) => ({ program: join(folder, 'temporal'), entry: '' }),
      /part of the working folder/,
    ],
    [
      'a dot',
      async (folder) => ({ program: join(folder, 'temporal'), entry: '.' }),
      /part of the working folder/,
    ],
    [
      'a relative folder',
      async (folder) => ({ program: join(folder, 'tools', 'temporal'), entry: 'tools' }),
      /part of the working folder/,
    ],
    [
      'the working folder by its whole path',
      async (folder) => ({ program: join(folder, 'temporal'), entry: folder }),
      /its folder is the working folder/,
    ],
    [
      'packages of the working folder, as npm run has it',
      async (folder) => {
        const entry = join(folder, 'node_modules', '.bin');
        return { program: join(entry, 'temporal'), entry };
      },
      /packages of npm/,
    ],
    [
      'a folder that everybody can write to',
      async (folder) => {
        const entry = join(folder, 'bin');
        await mkdir(entry);
        await chmod(entry, 0o777);
        return { program: join(entry, 'temporal'), entry };
      },
      /everybody can write to .*bin/,
    ],
    [
      'a folder with a sticky bit that everybody can write to',
      async (folder) => {
        const entry = join(folder, 'bin');
        await mkdir(entry);
        await chmod(entry, 0o1777);
        return { program: join(entry, 'temporal'), entry };
      },
      /everybody can write to .*bin/,
    ],
    [
      'below a folder that everybody can write to',
      async (folder) => {
        await mkdir(join(folder, 'open'));
        await chmod(join(folder, 'open'), 0o777);
        return { program: join(folder, 'open', 'bin', 'temporal'), entry: join(folder, 'open', 'bin') };
      },
      /everybody can write to .*open/,
    ],
  ];
  for (const [title, prepare, why] of untrusted) {
    test(`executes no program of ${title}, and says why`, async (t) => {
      const folder = await temporaryFolder(t);
      const { program, entry } = await prepare(folder);
      const marker = join(folder, 'executed');
      await writeProgram(
        program,
        `require('fs').writeFileSync(${JSON.stringify(marker)}, ''); ${temporalProgram}`,
      );
      const { find } = await search(t, { PATH: entry }, [broken().fetcher]);
      const before = process.cwd();
      process.chdir(folder);
      t.after(() => process.chdir(before));
      await assert.rejects(find(), (error: Error) => {
        assert.ok(error.message.includes(`- ${program} is not executed: `), error.message);
        assert.match(error.message, why);
        return true;
      });
      await assert.rejects(access(marker), { code: 'ENOENT' });
    });
  }

  const rootOnly = { skip: skip || process.getuid?.() !== 0 ? 'only root can give files away' : false };
  const foreign: [string, (program: string) => string][] = [
    ['the program', (program) => program],
    ['its folder', (program) => dirname(program)],
    ['the folder above', (program) => dirname(dirname(program))],
  ];
  for (const [what, of] of foreign) {
    test(`executes nothing where ${what} belongs to another user`, rootOnly, async (t) => {
      const folder = await temporaryFolder(t);
      const program = await writeProgram(join(folder, 'own', 'bin', 'temporal'), temporalProgram);
      await chown(of(program), 65534, 65534);
      const { find } = await search(t, { PATH: dirname(program) }, [broken().fetcher]);
      await assert.rejects(find(), /belongs to another user \(65534\)/);
    });
  }

  test('executes no kept binary that somebody else may have put there, and fetches another', async (t) => {
    const { calls, fetcher } = working();
    const { home, find } = await search(t, {}, [fetcher]);
    await writeProgram(join(home, 'bin', 'temporal'), temporalProgram);
    await chmod(join(home, 'bin'), 0o777);
    await find();
    await find();
    assert.equal(calls.length, 1);
    assert.equal((await stat(join(home, 'bin'))).mode & 0o777, 0o700);
  });

  test('a link on the PATH is followed to what it names', async (t) => {
    const folder = await temporaryFolder(t);
    const real = await writeProgram(join(folder, 'open', 'temporal'), temporalProgram);
    await chmod(dirname(real), 0o777);
    await mkdir(join(folder, 'bin'));
    await symlink(real, join(folder, 'bin', 'temporal'));
    const { find } = await search(t, { PATH: join(folder, 'bin') }, [broken().fetcher]);
    await assert.rejects(find(), /everybody can write to .*open/);
  });

  test('asks a program with an exact environment, and not in the working folder', async (t) => {
    const folder = await temporaryFolder(t);
    const seen = join(folder, 'seen');
    const program = `require('fs').writeFileSync(${JSON.stringify(seen)},
      JSON.stringify([process.cwd(), process.env])); ${temporalProgram}`;
    const named = await writeProgram(join(folder, 'bin', 'temporal'), program);
    const kept = { PATH: '/usr/bin', HOME: folder, GOMAXPROCS: '1', XDG_DATA_HOME: folder };
    const others = {
      ...{ OPENAI_API_KEY: 'k', GOOGLE_API_KEY: 'k', GO_SECRET: 'k', XDG_SECRET: 'k', TEMPORAL_API_KEY: 'k' },
      ...{ HTTPS_PROXY: 'x', DURABATCH_HOME: 'x', LD_PRELOAD: '', path: '/tmp' },
    };
    await findTemporalBinary({
      home: folder,
      env: { ...kept, ...others, DURABATCH_TEMPORAL_BIN: named },
      log: () => {},
      fetchers: [],
    });
    assert.deepEqual(JSON.parse(await readFile(seen, 'utf8')), [dirname(named), kept]);
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
