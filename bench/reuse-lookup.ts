/**
 * How long the first request waits for the answers that the output folder has: for the lookup, and for the texts of the
 * first shard. Those of the others are copied while the batch runs.
 *
 *   node --import tsx bench/reuse-lookup.ts [answers]      default: 100,000
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limitDefaults, requestDefaults } from '../src/client/options/run-defaults.ts';
import { defaultReuse, reuseEarlierAnswers } from '../src/client/reuse/reuse-earlier-answers.ts';
import { loadConfig } from '../src/config.ts';
import type { PromptItem } from '../src/core/prompt.ts';
import { BatchDraft } from '../src/store/batch-draft.ts';
import { BatchStore } from '../src/store/batch-store.ts';
import { openOutputFolder } from '../src/store/output-folder.ts';
import { copyPlanned } from '../src/store/reuse/reuse-plan.ts';
import { ledgerFolderOf } from '../src/store/shard-name.ts';

const answers = Number(process.argv[2] ?? 100_000);
const prompts = answers / 2;
const SHARD_SIZE = 1000;
/** Batches that the answers are spread over in the last case, so that each new shard needs all of them. */
const SOURCES = 50;
const settings = { ...requestDefaults, baseUrl: 'https://api.deepseek.com', model: 'deepseek-flash' };
const text = 'An answer of some length, as models give them. '.repeat(20);

const folder = await mkdtemp(join(tmpdir(), 'durabatch-reuse-'));
const location = await openOutputFolder(folder);
const config = loadConfig({ DURABATCH_HOME: join(folder, '.home') }, folder);

async function makeBatch(id: string, items: readonly PromptItem[]): Promise<BatchStore> {
  const draft = await BatchDraft.open(location, SHARD_SIZE, settings);
  for (const item of items) await draft.add(item);
  await draft.commit({
    format: 1,
    batch_id: id,
    batch_name: id,
    description: null,
    source: null,
    metadata: {},
    created_at: new Date().toISOString(),
    store_uuid: location.uuid,
    input_hash: { version: 2, sha256: id },
    prompts: items.length,
    shard_size: SHARD_SIZE,
    shards: draft.shards,
    max_completions: 2,
    settings,
    limits: { ...limitDefaults, apiKeyEnv: '' },
    runs: [],
    versions: { durabatch: 'bench', prices: '' },
    reuse: [],
    reuse_policy: defaultReuse,
    pause: null,
  });
  return new BatchStore(location, id, 'bench');
}

const questions = (count: number): PromptItem[] =>
  Array.from({ length: count }, (_, index) => ({
    prompt_id: `p${index}`,
    prompt: `Question number ${index}? ${'Some more words of it. '.repeat(10)}`,
  }));

async function answerAll(store: BatchStore, count: number): Promise<void> {
  for (let first = 0; first < count; first += SHARD_SIZE) {
    await store.withShard(first / SHARD_SIZE, async ({ writer }) => {
      const written: Promise<void>[] = [];
      for (let index = first; index < Math.min(count, first + SHARD_SIZE); index++) {
        const stamp = { at: new Date().toISOString(), index, run: 1, turn: 1, attempt: 1 };
        const ids = [1, 2].map((sample) => `${store.batchId}-${index}-${sample}`);
        ids.forEach((id, at) => {
          const samples = [at + 1];
          written.push(
            writer.append(
              { type: 'start', id: `s-${id}`, ...stamp, samples, worker: 'w', worstCostNanoUsd: 1 },
              { durable: false },
            ),
            writer.append(
              {
                ...{
                  type: 'answer',
                  id,
                  ...stamp,
                  start: `s-${id}`,
                  latencyMs: 1,
                  model: 'm',
                  requestId: null,
                },
                choices: [{ sample: at + 1, text: `${id} ${text}`, finishReason: 'stop' }],
                usage: { prompt: 50, completion: 200, total: 250, cached: 0, reasoning: 0 },
                ...{ costNanoUsd: 1, cacheSavingNanoUsd: 0, price: null },
              },
              { durable: false },
            ),
          );
        });
        written.push(
          writer.append(
            { type: 'settled', id: `e-${index}`, ...stamp, status: 'succeeded', answers: ids },
            { durable: false },
          ),
        );
      }
      await Promise.all(written);
    });
  }
  await store.close();
}

async function measure(title: string, items: readonly PromptItem[]): Promise<void> {
  const store = await makeBatch(`new-${title.replaceAll(/\W+/g, '-')}`, items);
  const { shards, limits } = await store.manifest();
  let said = 'nothing taken over';
  const lookup = await timed(() =>
    reuseEarlierAnswers({ config, store, note: (line) => (said = line.slice(0, 60)) }),
  );
  const first = await timed(() => copyPlanned(store, 0, limits, new Date()));
  const others = await timed(async () => {
    for (let shard = 1; shard < shards; shard++) await copyPlanned(store, shard, limits, new Date());
  });
  console.log(
    `${title}: ${lookup} before the start, ${first} for the first shard, ${others} for the others (${said})`,
  );
  await store.close();
  await rm(store.folder, { recursive: true });
}

async function timed(work: () => Promise<unknown>): Promise<string> {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return `${Math.round(performance.now() - begun)} ms (CPU ${Math.round((user + system) / 1000)})`;
}

const other = (item: PromptItem): PromptItem => ({ ...item, prompt: `${item.prompt} Briefly.` });
const edited = (items: readonly PromptItem[]): PromptItem[] =>
  items.map((item, at) => (at === 7 ? other(item) : item));

await answerAll(await makeBatch('earlier', questions(prompts)), prompts);
await measure('60 prompts, none of them known', questions(60).map(other));
await measure('60 prompts, one of them edited', edited(questions(60)));
await measure(`${prompts} prompts, none of them known`, questions(prompts).map(other));
await measure(`${prompts} prompts, one of them edited`, edited(questions(prompts)));
for (let shard = 0; shard < prompts / SHARD_SIZE; shard++)
  await rm(join(ledgerFolderOf(join(folder, 'earlier'), shard), 'answers.json'));
await measure(`${prompts} prompts, one of them edited, no lists of answers`, edited(questions(prompts)));

await rm(join(folder, 'earlier'), { recursive: true });
for (let source = 0; source < SOURCES; source++) {
  const items = questions(prompts).filter((_, at) => at % SOURCES === source);
  await answerAll(await makeBatch(`earlier-${source}`, items), items.length);
}
await measure(`${prompts} prompts of ${SOURCES} batches, one of them edited`, edited(questions(prompts)));
await rm(folder, { recursive: true });
