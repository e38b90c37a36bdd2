import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { createWorkplace, promptTexts, readCsv, readResults, type Workplace } from '../../e2e/workplace.ts';
import { reply } from '../../support/fake-provider.ts';
import { useTestServer } from '../../support/temporal-server.ts';
import { until } from '../../support/until.ts';

const server = useTestServer();

/** Rewrites each record of a batch's ledger. */
async function changeLedger(
  { outputDir }: Workplace,
  id: string,
  change: (record: LedgerRecord) => LedgerRecord,
): Promise<void> {
  const folder = join(outputDir, id, 'ledger', '00000');
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.jsonl')) continue;
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n').filter((line) => line !== '');
    const changed = lines.map((line) => JSON.stringify(change(JSON.parse(line) as LedgerRecord)));
    await writeFile(join(folder, name), `${changed.join('\n')}\n`);
  }
}

test('report, receipts and ledger of a batch with faults agree, and a receipt that names another answer is found', async (t) => {
  const place = await createWorkplace(t, server, {
    script: ({ prompt, promptCount }) => {
      if (prompt.includes('number 2?')) return reply.status(400, { message: 'content policy' });
      if (prompt.includes('number 3?') && promptCount === 1) return reply.cut('mid-body', 'reset');
      return promptCount === 1 && prompt.includes('number 4?') ? reply.status(500) : undefined;
    },
  });
  const file = await place.write('prompts.json', promptTexts(8));
  const flags = ['--id', 'audited', '--completions', '2', '--price-input', '1', '--price-output', '2'];
  const ran = await place.run(file, flags);
  assert.equal(ran.code, 3, ran.stdout + ran.stderr);
  assert.match(ran.stdout, /^Bill +kept +\$/m);
  assert.match(ran.stdout, /^ +possibly paid +at most \$.* \(1 request whose answer was lost\)$/m);
  assert.match(ran.stdout, /^Failures +.*_failures\.jsonl$/m);
  const audit = () => place.cli(['audit', 'audited', '--json']);

  const { summary, results, possibly_paid } = await readResults(place.outputDir);
  const { error } = results[1]!;
  assert.deepEqual([error?.status, error?.attempt_log.length], [400, 1]);
  assert.deepEqual(
    possibly_paid.map(({ prompt_id }) => prompt_id),
    ['prompt_0003'],
  );
  const csv = await readCsv(place.outputDir);
  const csvNano = csv.reduce((sum, { cost }) => sum + Math.round(Number(cost) * 1e9), 0);
  assert.equal(csvNano, Math.round((summary.estimated_cost ?? Number.NaN) * 1e9));

  const good = await audit();
  const told = good.lines.at(-1)!;
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.deepEqual([told['equal'], told['difference_count'], told['notes']], [true, 0, []]);
  const receipts = (told['checks'] as { check: string; compared: number }[]).find(({ check }) =>
    /receipts/.test(check),
  );
  assert.equal(receipts!.compared, 8);

  // A ledger that fits together and is not the one the receipts were given for.
  const renamed = results[0]!.completions[1]!.record_id;
  const rename = (id: string): string => (id === renamed ? 'another-id' : id);
  await changeLedger(place, 'audited', (record) => ({
    ...record,
    id: rename(record.id),
    ...(record.type === 'settled' && { answers: record.answers.map(rename) }),
  }));
  const other = await place.cli(['audit', 'audited']);
  assert.equal(other.code, 1);
  const receipt = `prompt prompt_0001: the receipt of run 1 names the answer ${renamed}, which is not in the ledger`;
  assert.ok(other.stdout.includes(receipt), other.stdout);
  assert.match(other.stdout, /prompt prompt_0001: answer another-id is in the ledger, not in the report/);
  assert.match(other.stdout, /\naudit: 3 differences\n$/);
});

test('receipts of a large batch are in the workflows of its shards; where one is deleted, the audit says so', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(1001));
  const flags = ['--id', 'large', '--completions', '1', '--max-workers', '50'];
  const ran = await place.run(file, flags);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  const audited = async () => {
    const { code, lines, stdout, stderr } = await place.cli(['audit', 'large', '--json']);
    assert.equal(code, 0, stdout + stderr);
    const { checks, notes } = lines.at(-1)!;
    const { compared } = (checks as { check: string; compared: number }[]).find(({ check }) =>
      /receipts/.test(check),
    )!;
    return { compared, notes: notes as string[] };
  };
  assert.deepEqual(await audited(), { compared: 1001, notes: [] });

  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  const { workflow, workflowService } = new Client({ connection });
  const workflowId = 'large:1-1000';
  await workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId },
  });
  const isThere = (): Promise<boolean> =>
    workflow
      .getHandle(workflowId)
      .describe()
      .then(
        () => true,
        (error: unknown) => {
          if (error instanceof WorkflowNotFoundError) return false;
          throw error;
        },
      );
  await until(async () => !(await isThere()));
  const { compared, notes } = await audited();
  assert.equal(compared, 1);
  assert.match(notes.join('\n'), /^The receipts of one shard workflow are not compared: .* does not have it/);
});

test('without a server the audit says that no receipts are compared', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(3));
  assert.equal((await place.run(file, ['--id', 'no-server'])).code, 0);
  const home = join(place.folder, 'other-home');
  const { code, stdout, stderr } = await place.cli(['audit', 'no-server', '--output-dir', 'out'], {
    env: { ...place.env, DURABATCH_HOME: home },
  });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /note: The workflow's receipts are not compared: the Temporal server is not running/);
  assert.match(stdout, /\naudit: equal\n$/);
});

test('an id that no batch has is exit 2, a foreign line in the ledger is told with its place', async (t) => {
  const place = await createWorkplace(t, server);
  const unknown = await place.cli(['audit', 'nobody', '--output-dir', 'out']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /there is no batch "nobody"/);

  const file = await place.write('prompts.json', promptTexts(2));
  assert.equal((await place.run(file, ['--id', 'foreign-line'])).code, 0);
  const folder = join(place.outputDir, 'foreign-line', 'ledger', '00000');
  await writeFile(join(folder, 'stranger.jsonl'), 'not a record\n{}\n');
  const { code, stderr } = await place.cli(['audit', 'foreign-line']);
  assert.equal(code, 1);
  assert.match(stderr, /stranger\.jsonl: line 1: it is not JSON/);
});
