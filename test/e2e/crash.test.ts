import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readRecord } from '../../src/temporal-server/server-record.ts';
import type { AnswerRecord } from '../../src/store/ledger/records.ts';
import { startTestServer, useTestServer } from '../support/temporal-server.ts';
import {
  createGate,
  createWorkplace,
  loseTemporalDatabase,
  promptTexts,
  readLedger,
  readResults,
  type Workplace,
} from './workplace.ts';

const PROMPTS = 40;
const WORKERS = 10;
const prompts = promptTexts(PROMPTS);
const flags = ['--completions', '2', '--max-workers', String(WORKERS)];

/** A provider that answers half of what it is asked, one completion a request as DeepSeek does, and the rest later. */
async function halfWorkplace(t: TestContext): Promise<{ place: Workplace; answerTheRest: () => void }> {
  const gate = createGate();
  const place = await createWorkplace(t, server, {
    honourN: false,
    script: ({ total }) => (total > PROMPTS ? gate.script() : undefined),
  });
  return { place, answerTheRest: gate.open };
}

const server = useTestServer();

const killServer = (): void => void process.kill(readRecord(server.home)!.pid!, 'SIGKILL');

/** Answers in the ledger, by prompt. */
async function ledgerAnswers({ outputDir }: Workplace, id: string): Promise<Map<string, number>> {
  const counts = new Map(prompts.map((prompt) => [prompt, 0]));
  const records = await readLedger(join(outputDir, id));
  for (const { index, choices } of records.filter(
    (record): record is AnswerRecord => record.type === 'answer',
  ))
    counts.set(prompts[index]!, counts.get(prompts[index]!)! + choices.length);
  return counts;
}

/** Goes on with a batch that was stopped half way, and holds the new requests to what the ledger lacked. */
async function assertOnlyMissingIsBought(
  place: Workplace,
  id: string,
  continueBatch: () => ReturnType<Workplace['cli']>,
) {
  const { provider } = place;
  await provider.until(() => provider.inFlight === 0);
  const kept = await ledgerAnswers(place, id);
  const keptSum = [...kept.values()].reduce((sum, count) => sum + count, 0);
  const answered = provider.answered.requests;
  assert.ok(keptSum >= PROMPTS / 2 && keptSum < 2 * PROMPTS, `stopped half way: ${keptSum} answers kept`);
  assert.ok(answered - keptSum <= WORKERS, `${answered} answered, ${keptSum} kept`);
  const asked = new Map(provider.requestsPerPrompt);

  const end = await continueBatch();
  assert.equal(end.code, 0, end.stdout + end.stderr);
  for (const prompt of prompts) {
    const again = provider.requestsPerPrompt.get(prompt)! - (asked.get(prompt) ?? 0);
    assert.equal(again, 2 - kept.get(prompt)!, `requests for "${prompt}" after the crash`);
  }
  const { summary, results } = await readResults(place.outputDir);
  assert.equal(summary.successful_items, PROMPTS);
  assert.deepEqual(
    results.map((result) => result.prompt),
    prompts,
  );
  assert.ok(results.every((result) => result.completions.length === 2));
}

const half = ({ provider }: Workplace) =>
  provider.until(() => provider.answered.requests === PROMPTS && provider.inFlight > 0);

test('command and server killed half way: the same command buys only what is missing', async (t) => {
  const { place, answerTheRest } = await halfWorkplace(t);
  const file = await place.write('prompts.json', prompts);
  const first = place.startRun(file, [...flags, '--id', 'killed-tree']);
  await half(place);
  first.kill('SIGKILL');
  killServer();
  await first.ended;
  answerTheRest();
  await assertOnlyMissingIsBought(place, 'killed-tree', () =>
    place.run(file, [...flags, '--id', 'killed-tree']),
  );
});

test('only the server killed: the command starts it again and finishes, and nothing is bought twice', async (t) => {
  const { place, answerTheRest } = await halfWorkplace(t);
  const file = await place.write('prompts.json', prompts);
  const run = place.startRun(file, [...flags, '--id', 'killed-server']);
  await half(place);
  killServer();
  await run.said(/server was gone/);
  answerTheRest();
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout + stderr, /server was gone and has been started again/);
  assert.equal(place.provider.answered.requests, 2 * PROMPTS);
  assert.equal((await readResults(place.outputDir)).summary.successful_items, PROMPTS);
});

test('a server that does not answer for half a minute ends no command', async (t) => {
  const { place, answerTheRest } = await halfWorkplace(t);
  const file = await place.write('prompts.json', prompts);
  const run = place.startRun(file, [...flags, '--id', 'frozen-server']);
  await half(place);
  const { pid } = readRecord(server.home)!;
  process.kill(pid!, 'SIGSTOP');
  await run.said(/Still waiting/);
  process.kill(pid!, 'SIGCONT');
  answerTheRest();
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 0, stdout + stderr);
  assert.equal((await readResults(place.outputDir)).summary.successful_items, PROMPTS);
});

test('only the command killed: "resume" buys only what is missing', async (t) => {
  const { place, answerTheRest } = await halfWorkplace(t);
  const file = await place.write('prompts.json', prompts);
  const first = place.startRun(file, [...flags, '--id', 'killed-command']);
  await half(place);
  first.kill('SIGKILL');
  await first.ended;
  answerTheRest();
  const status = await place.cli(['status', 'killed-command', '--json']);
  assert.equal(status.lines.at(-1)?.['state'], 'crashed');
  await assertOnlyMissingIsBought(place, 'killed-command', () => place.cli(['resume', 'killed-command']));
});

test('a batch that is worked on through one server is not started through another, until its worker is gone', async (t) => {
  const other = await startTestServer();
  t.after(() => other.stop());
  const { place, answerTheRest } = await halfWorkplace(t);
  const file = await place.write('prompts.json', prompts);
  const id = 'two-servers';
  const env = { ...place.env, ...other.env };
  const first = place.startRun(file, [...flags, '--id', id]);
  await half(place);
  const refused = await place.run(file, [...flags, '--id', id], { env });
  assert.equal(refused.code, 2, refused.stdout + refused.stderr);
  assert.match(refused.stderr, /worked on through another Temporal server, by process \d+@/);
  first.kill('SIGKILL');
  await first.ended;
  answerTheRest();
  await assertOnlyMissingIsBought(place, id, () => place.run(file, [...flags, '--id', id], { env }));
});

test('Temporal database lost: the same command buys only what is missing', async (t) => {
  const { place, answerTheRest } = await halfWorkplace(t);
  const file = await place.write('prompts.json', prompts);
  const first = place.startRun(file, [...flags, '--id', 'lost-database']);
  await half(place);
  first.kill('SIGKILL');
  await first.ended;
  answerTheRest();
  await loseTemporalDatabase(place, server);
  await assertOnlyMissingIsBought(place, 'lost-database', () =>
    place.run(file, [...flags, '--id', 'lost-database']),
  );
});
