import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { hasTerminals, startInTerminal } from '../support/terminal.ts';
import { createGate, createWorkplace, promptTexts, readLedger, type Workplace } from './workplace.ts';

const server = useTestServer();

/** Fewer than the failures alike that pause a batch. */
const PROMPTS = 8;

let made = 0;
/** The server knows the batches of all tests. */
const newId = (): string => `batch-${++made}`;

/** A command that is typed when everything is prepared for it. */
interface LongCommand {
  name: string;
  /** Leaves the batch so that the command has `PROMPTS` prompts to do; answers what to type. */
  prepare(place: Workplace, id: string): Promise<string[]>;
  /** Its exit code once it has been interrupted. */
  interrupted: number;
  /** Others do the work: it only looks on. */
  looksOn?: boolean;
}

const runLine = (place: Workplace, id: string, file: string): string[] => [
  ...['run', file, '--provider', 'openai-compatible', '--model', 'test-model'],
  ...['--base-url', place.provider.baseUrl, '--output-dir', 'out', '--completions', '1'],
  ...['--id', id, '--max-workers', '2', '--max-attempts', '1'],
];

async function detached(place: Workplace, id: string): Promise<void> {
  const file = await place.write('prompts.json', promptTexts(PROMPTS));
  const { code, stderr } = await place.cli([...runLine(place, id, file), '--detach']);
  assert.equal(code, 0, stderr);
}

const commands: LongCommand[] = [
  {
    name: 'run',
    prepare: async (place, id) => runLine(place, id, await place.write('prompts.json', promptTexts(PROMPTS))),
    interrupted: 130,
  },
  {
    name: 'resume',
    prepare: async (place, id) => {
      await detached(place, id);
      return ['resume', id];
    },
    interrupted: 130,
  },
  {
    name: 'retry',
    prepare: async (place, id) => {
      const file = await place.write('prompts.json', promptTexts(PROMPTS));
      assert.equal((await place.cli(runLine(place, id, file))).code, 3);
      return ['retry', id];
    },
    interrupted: 130,
  },
  {
    name: 'add',
    prepare: async (place, id) => {
      const file = await place.write('first.json', ['The first of all?']);
      assert.equal((await place.cli(runLine(place, id, file))).code, 3);
      return ['add', id, await place.write('more.json', promptTexts(PROMPTS))];
    },
    interrupted: 130,
  },
  {
    name: 'worker',
    prepare: async (place, id) => {
      await detached(place, id);
      return ['worker', '--output-dir', 'out'];
    },
    interrupted: 0,
  },
  ...(['watch', 'tail'] as const).map((name) => ({
    name,
    prepare: async (place: Workplace, id: string) => {
      const file = await place.write('prompts.json', promptTexts(PROMPTS));
      place.start(runLine(place, id, file));
      return [name, id];
    },
    interrupted: 130,
    looksOn: true,
  })),
];

/** Prompts fail at once until the command is typed; then answers wait for the gate. */
async function arrange(t: TestContext, command: LongCommand) {
  const gate = createGate();
  let isPrepared = command.name !== 'retry' && command.name !== 'add';
  const place = await createWorkplace(t, server, {
    script: ({ total }) => {
      if (!isPrepared) return reply.status(400);
      return command.looksOn && total <= 2 ? undefined : gate.script();
    },
  });
  const id = newId();
  const line = await command.prepare(place, id);
  isPrepared = true;
  // Of those who look on, the batch is under way.
  if (command.looksOn) await place.provider.until(() => place.provider.inFlight === 2);
  return { id, gate, place, line, asked: command.looksOn ? 0 : place.provider.requests };
}

const answersOf = async (place: Workplace, id: string): Promise<number> =>
  (await readLedger(join(place.outputDir, id))).filter(({ type }) => type === 'answer').length;

describe('a command whose terminal is closed stops as at Ctrl-C', { skip: !hasTerminals }, () => {
  for (const command of commands) {
    test(command.name, async (t) => {
      const { id, gate, place, line, asked } = await arrange(t, command);
      const { provider } = place;
      const shown = await startInTerminal(line, { env: place.env, cwd: place.folder, folder: place.folder });
      t.after(() => shown.kill());
      if (command.looksOn) {
        await shown.said(command.name === 'watch' ? /2\/8/ : /sample 1/);
        await shown.hangUp();
        assert.equal(await shown.ended, command.interrupted);
        // Whoever works on the batch has not heard of it.
        assert.equal(provider.inFlight, 2);
        gate.open();
        return;
      }
      await provider.until(() => provider.inFlight === 2);
      await shown.hangUp();
      gate.open();
      assert.equal(await shown.ended, command.interrupted);
      const answered = provider.requests - asked;
      assert.ok(answered < PROMPTS, `${answered} were bought`);
      assert.deepEqual([provider.inFlight, provider.abortedByClient], [0, 0]);
      assert.equal(await answersOf(place, id), answered);
      if (command.name !== 'run') return;
      const resumed = await place.cli(['resume', id]);
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      assert.equal(provider.requests - asked, PROMPTS);
    });
  }
});

describe(
  'a command that prints to no terminal ignores the end of one',
  { skip: process.platform === 'win32' },
  () => {
    for (const command of commands) {
      test(command.name, async (t) => {
        const { gate, place, line, asked } = await arrange(t, command);
        const { provider } = place;
        const started = place.start(line);
        if (command.looksOn) await started.said(command.name === 'watch' ? /2\/8/ : /sample 1/);
        else await provider.until(() => provider.inFlight === 2);
        started.kill('SIGHUP');
        gate.open();
        if (command.name === 'worker') {
          await started.said(/: done/);
          started.kill('SIGTERM');
        }
        const { code, signal, stdout, stderr } = await started.ended;
        assert.equal(signal, null);
        assert.equal(code, command.name === 'add' ? 3 : 0, stdout + stderr);
        assert.equal(provider.requests - asked, PROMPTS);
        assert.equal(provider.abortedByClient, 0);
      });
    }
  },
);
