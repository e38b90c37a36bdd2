import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readBatchPrompts } from '../../src/store/ledger/batch-reading.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import { findOutputFolder } from '../../src/store/output-folder.ts';
import { spentNanoUsd } from '../../src/store/ledger/bill.ts';
import { type FakeRequest, reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import {
  createGate,
  createWorkplace,
  loseTemporalDatabase,
  newestResults,
  promptTexts,
  reportFiles,
  type Workplace,
} from './workplace.ts';

const server = useTestServer();

const MAX_TOKENS = 100;
/** Above the bytes of any prompt here, below what its worst case allows. */
const PROMPT_TOKENS = 280;
/** In nano-USD per token: $1 and $10 per million. */
const COST = PROMPT_TOKENS * 1000 + MAX_TOKENS * 10_000;
const flags = [
  ...['--price-input', '1', '--price-output', '10', '--max-tokens', String(MAX_TOKENS)],
  ...['--max-workers', '8', '--json'],
];
const usd = (nanoUsd: number): string => String(nanoUsd / 1e9);

/** As dear as a provider may be that honours `max_tokens`. */
const dear = ({ body }: FakeRequest) => {
  const completion = MAX_TOKENS * Number(body['n'] ?? 1);
  const usage = {
    prompt_tokens: PROMPT_TOKENS,
    completion_tokens: completion,
    total_tokens: PROMPT_TOKENS + completion,
  };
  return reply.ok({ usage });
};

/** Known and possibly paid, over the whole ledger. */
async function spentBy({ outputDir }: Workplace, id: string): Promise<number> {
  const store = new BatchStore(await findOutputFolder(outputDir), id, 'reader');
  let sum = 0;
  for await (const { history } of readBatchPrompts(store)) {
    const spent = spentNanoUsd(history);
    assert.ok(spent !== null, 'every price is known');
    sum += spent;
  }
  return sum;
}

/** What the provider may have billed: every request that it began to answer. */
const billedBy = ({ provider }: Workplace): number =>
  provider.requestsLog.filter(({ outcome }) => outcome !== 'refused').length * COST;

async function assertUnderCap(place: Workplace, id: string, cap: number): Promise<number> {
  const spent = await spentBy(place, id);
  assert.ok(spent <= cap, `${spent} of at most ${cap} nano-USD are spent or possibly spent`);
  assert.ok(billedBy(place) <= cap, `the provider may have billed ${billedBy(place)} of ${cap}`);
  return spent;
}

test('as dear as can be, and every fifth request lost: the cap holds, and "resume --max-cost" ends the batch', async (t) => {
  const place = await createWorkplace(t, server, {
    script: (request) => (request.total % 5 === 0 ? reply.cut('mid-body') : dear(request)),
  });
  const file = await place.write('prompts.json', promptTexts(40));
  const cap = 16_000_000;
  const paused = await place.run(file, [...flags, '--id', 'dear', '--max-cost', usd(cap)]);
  const summary = paused.lines.at(-1)!;
  assert.deepEqual([paused.code, summary['pause']?.reason], [5, 'budget'], paused.stdout + paused.stderr);
  assert.match(summary['pause'].message, /the cost cap of \$0\.016/);
  assert.match(summary['next_step'].command, /^durabatch resume dear --max-cost /);
  assert.equal(summary['failed_items'], 0);
  const spent = await assertUnderCap(place, 'dear', cap);
  assert.ok(spent > cap - 2_000_000, `only ${spent} of ${cap} are spent: nearly one more would have fitted`);

  const resumed = await place.cli(['resume', 'dear', '--max-cost', '1', '--json']);
  const end = resumed.lines.at(-1)!;
  assert.deepEqual([resumed.code, end['successful_items']], [0, 40], resumed.stdout + resumed.stderr);
  assert.equal(place.provider.answered.requests, 40);
  assert.equal(end['estimated_cost'], (40 * COST) / 1e9);
  const lost = place.provider.requests - 40;
  assert.equal(end['bill'].possibly_paid.requests, lost);
  const results = await newestResults(place.outputDir);
  assert.equal(results.possibly_paid.length, lost, 'each is named');
  const named = results.possibly_paid.reduce((sum, { worst_case_cost }) => sum + worst_case_cost! * 1e9, 0);
  assert.equal(Math.round(named), (await spentBy(place, 'dear')) - 40 * COST);
});

test('requests that never answer reserve anew, and a prompt fails of --max-attempts all the same', async (t) => {
  const place = await createWorkplace(t, server, {
    script: (request) => (request.prompt.includes('number 1?') ? reply.cut('after headers') : dear(request)),
  });
  const file = await place.write('prompts.json', promptTexts(3));
  const { code, stdout } = await place.run(file, [...flags, '--max-attempts', '2', '--max-cost', '1']);
  assert.equal(code, 3, stdout);
  assert.equal(place.provider.requestsPerPrompt.get('Question number 1?'), 2);
});

describe('"set --max-cost"', () => {
  test('continues a batch whose worker lives by itself', async (t) => {
    const place = await createWorkplace(t, server, { script: dear });
    const file = await place.write('prompts.json', promptTexts(12));
    const cap = 4_000_000;
    const started = await place.run(file, [...flags, '--id', 'living', '--max-cost', usd(cap), '--detach']);
    assert.equal(started.code, 0, started.stdout + started.stderr);
    const worker = place.start(['worker', '--output-dir', 'out']);
    const watched = await place.cli(['watch', 'living', '--json']);
    assert.deepEqual([watched.code, watched.lines.at(-1)!['pause'].reason], [5, 'budget'], watched.stdout);
    await assertUnderCap(place, 'living', cap);

    const set = await place.cli(['set', 'living', '--max-cost', '1', '--json']);
    assert.equal(set.code, 0, set.stdout + set.stderr);
    assert.doesNotMatch(set.stdout + set.stderr, /No worker/);
    const end = await place.cli(['watch', 'living', '--json']);
    assert.deepEqual([end.code, end.lines.at(-1)!['successful_items']], [0, 12], end.stdout);
    assert.equal(place.provider.requests, 12);
    worker.kill('SIGTERM');
    await worker.ended;
  });

  test('says so when no worker lives, buys nothing, and the new cap holds for the next', async (t) => {
    const place = await createWorkplace(t, server, { script: dear });
    const file = await place.write('prompts.json', promptTexts(12));
    const paused = await place.run(file, [...flags, '--id', 'alone', '--max-cost', usd(4_000_000)]);
    assert.equal(paused.code, 5, paused.stdout + paused.stderr);
    const asked = place.provider.requests;

    const cap = 8_000_000;
    const set = await place.cli(['set', 'alone', '--max-cost', usd(cap)]);
    assert.equal(set.code, 0, set.stdout + set.stderr);
    assert.match(set.stderr, /No worker is on this batch.*durabatch resume alone/);
    assert.equal(place.provider.requests, asked);

    await loseTemporalDatabase(place, server);
    const resumed = await place.cli(['resume', 'alone', '--json']);
    assert.deepEqual([resumed.code, resumed.lines.at(-1)!['pause'].reason], [5, 'budget'], resumed.stdout);
    const spent = await assertUnderCap(place, 'alone', cap);
    assert.ok(spent > 4_000_000, 'it went on under the new cap');
  });

  test('on a batch that is over says what it is instead', async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', promptTexts(1));
    assert.equal((await place.run(file, [...flags, '--id', 'over'])).code, 0);
    const { code, stderr } = await place.cli(['set', 'over', '--max-cost', '1']);
    assert.equal(code, 2);
    assert.match(stderr, /over is not running \(state: succeeded\), so nothing was changed/);
  });
});

test('killed twice in the middle, the second time with its database: what was in flight counts as spent, and the cap holds', async (t) => {
  const place = await createWorkplace(t, server);
  const { provider } = place;
  /** Answers so many more, and holds back what comes then. */
  const answerOnly = (count: number): void => {
    const last = provider.requests + count;
    const never = createGate();
    provider.script = (request) => (request.total > last ? never.script() : dear(request));
  };
  const file = await place.write('prompts.json', promptTexts(40));
  const cap = 40_000_000;
  answerOnly(4);
  const first = place.startRun(file, [...flags, '--id', 'killed', '--max-cost', usd(cap)]);
  await provider.until(() => provider.answered.requests === 4 && provider.inFlight >= 4);
  first.kill('SIGKILL');
  await first.ended;
  await provider.until(() => provider.inFlight === 0);
  answerOnly(4);
  const asked = provider.requests;
  const second = place.start(['resume', 'killed']);
  await provider.until(() => provider.requests >= asked + 8 && provider.inFlight >= 4);
  second.kill('SIGKILL');
  await second.ended;
  await provider.until(() => provider.inFlight === 0);
  provider.script = dear;
  const lost = provider.requests - provider.answered.requests;
  await loseTemporalDatabase(place, server);

  const resumed = await place.cli(['resume', 'killed', '--json']);
  const summary = resumed.lines.at(-1)!;
  assert.deepEqual([resumed.code, summary['pause']?.reason], [5, 'budget'], resumed.stdout + resumed.stderr);
  assert.ok(summary['bill'].possibly_paid.requests >= lost, `${lost} requests were lost`);
  await assertUnderCap(place, 'killed', cap);
  assert.equal((await reportFiles(place.outputDir, '.json')).length, 0);
});

describe('a cap needs a price', () => {
  const unpriced = ['--id', 'unpriced'];
  const prices = ['--price-input', '1', '--price-output', '10'];
  const explains =
    /--max-cost: the price of model test-model .* is unknown; name it with --price-input and --price-output/;

  test('without one "run" starts nothing', async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', promptTexts(2));
    const { code, stderr } = await place.run(file, [...unpriced, '--max-cost', '1']);
    assert.equal(code, 2);
    assert.match(stderr, explains);
    assert.equal(place.provider.requests, 0);
    assert.match((await place.cli(['status', 'unpriced'])).stderr, /there is no batch/);
  });

  test('nor do "set", "resume" and "retry" take one up; a price named there will do', async (t) => {
    const place = await createWorkplace(t, server, { script: () => reply.status(402) });
    const file = await place.write('prompts.json', promptTexts(2));
    assert.equal((await place.run(file, unpriced)).code, 5);
    place.provider.script = ({ prompt }) =>
      prompt.includes('number 1?') ? reply.status(400, { message: 'no' }) : undefined;
    for (const command of ['set', 'resume', 'retry']) {
      const { code, stderr } = await place.cli([command, 'unpriced', '--max-cost', '1']);
      assert.equal(code, 2, command);
      assert.match(stderr, explains, command);
    }
    assert.equal((await place.cli(['resume', 'unpriced'])).code, 3);
    const retried = await place.cli(['retry', 'unpriced', '--max-cost', '1', ...prices]);
    assert.equal(retried.code, 3, retried.stdout + retried.stderr);
  });
});
