/** What answers say of their tokens and their cost, over real HTTP. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Price } from '../../src/core/settings.ts';
import { providerFor, providers, services } from '../../src/providers/catalog.ts';
import { createChatApi } from '../../src/providers/chat-api.ts';
import type { CompletionRequest } from '../../src/providers/completion-api.ts';
import { requestPrices } from '../../src/providers/pricing/request-prices.ts';
import { createSurcharge } from '../../src/providers/pricing/surcharge.ts';
import { type FakeProvider, reply, startFakeProvider } from '../support/fake-provider.ts';
import { patient, requestFor, settingsFor } from './settings.ts';

const openRouter = 'https://openrouter.ai/api/v1';
/** A Thursday evening in Beijing. */
const at = new Date('2026-11-05T12:00:00Z');
const million = { prompt_tokens: 1_000_000, completion_tokens: 1_000_000 };

type Ok = Parameters<typeof reply.ok>[0];

async function started(t: TestContext, ...answers: Ok[]): Promise<FakeProvider> {
  const provider = await startFakeProvider({ script: ({ total }) => reply.ok(answers[total - 1] ?? {}) });
  t.after(() => provider.close());
  return provider;
}

/** Asked and priced as if the stand-in were this address. */
async function billOf(t: TestContext, baseUrl: string, asked: Partial<CompletionRequest>, answer: Ok) {
  const { baseUrl: standIn } = await started(t, answer);
  const settings = settingsFor('openai-compatible', baseUrl);
  const request = requestFor('What is RLHF?', asked);
  const response = await createChatApi(providerFor(settings), standIn, null).complete(request, patient());
  return { response, ...requestPrices(settings, { prices: null }).cost(request, response, at) };
}

// ---------------------------------------------------------------- the provider's own figure

const priced = { model: 'openai/gpt-4.1' };
const figures: [
  title: string,
  asked: { model: string },
  usage: object,
  usd: number | null,
  Price['source'] | null,
][] = [
  ['is the cost', priced, { ...million, cost: 1.25 }, 1.25, 'provider'],
  [
    'is the cost of a model that the table does not know',
    { model: 'nobody/knows' },
    { ...million, cost: 0.5 },
    0.5,
    'provider',
  ],
  [
    'is added to the upstream’s for a key of one’s own',
    priced,
    { ...million, cost: 0.05, is_byok: true, cost_details: { upstream_inference_cost: 1 } },
    1.05,
    'provider',
  ],
  [
    'is added to the upstream’s where it does not say whose key it was',
    priced,
    { ...million, cost: 0.95, cost_details: { upstream_inference_cost: 19 } },
    19.95,
    'provider',
  ],
  [
    'holds the upstream’s already, where the key is its own',
    priced,
    { ...million, cost: 1, is_byok: false, cost_details: { upstream_inference_cost: 1 } },
    1,
    'provider',
  ],
  [
    'is a fee only, where the upstream’s is not named for a key of one’s own: the table counts',
    priced,
    { ...million, cost: 0.05, is_byok: true, cost_details: { upstream_inference_cost: null } },
    10,
    'table',
  ],
  [
    'is a fee only, where the upstream’s is 0: the table counts',
    priced,
    { ...million, cost: 0.05, is_byok: true, cost_details: { upstream_inference_cost: 0 } },
    10,
    'table',
  ],
  [
    'of 0 is that of somebody else’s key',
    priced,
    { ...million, cost: 0, is_byok: true, cost_details: { upstream_inference_cost: 2 } },
    2,
    'provider',
  ],
  ['of 0 is unknown: the table counts', priced, { ...million, cost: 0 }, 10, 'table'],
  [
    'of 0 is unknown where the table knows nothing either',
    { model: 'nobody/knows' },
    { ...million, cost: 0 },
    null,
    null,
  ],
  ['that is negative is none', priced, { ...million, cost: -1 }, 10, 'table'],
  ['that is no number is none', priced, { ...million, cost: '1' }, 10, 'table'],
  ['that is missing: the table counts', priced, million, 10, 'table'],
  ['holds without a token count', priced, { cost: 0.01 }, 0.01, 'provider'],
];
for (const [title, asked, usage, usd, source] of figures) {
  test(`the provider's own figure ${title}`, async (t) => {
    const bill = await billOf(t, openRouter, asked, { usage: usage as Record<string, unknown> });
    assert.equal(bill.costNanoUsd, usd === null ? null : Math.round(usd * 1e9));
    assert.equal(bill.price?.source ?? null, source);
  });
}

test('a figure of a service whose row does not declare it as US dollars is not read', async (t) => {
  const usage = { ...million, cost: 99 };
  const bill = await billOf(t, 'https://api.openai.com/v1', { model: 'gpt-4.1' }, { usage });
  assert.deepEqual([bill.costNanoUsd, bill.price?.source], [10_000_000_000, 'table']);
});

test("the user's own prices win over the provider's figure", async (t) => {
  const { response } = await billOf(t, openRouter, priced, { usage: { ...million, cost: 99 } });
  const own = { prices: { inputPerMillion: 1, outputPerMillion: 2 } };
  const { costNanoUsd } = requestPrices(settingsFor('openai-compatible', openRouter), own).cost(
    requestFor('q', priced),
    response,
    at,
  );
  assert.equal(costNanoUsd, 3_000_000_000);
});

const openRouterRow = services.find(({ name }) => name === 'OpenRouter')!.row;
for (const address of [
  openRouter,
  'https://openrouter.ai',
  'https://api.openrouter.ai/v1',
  'https://eu.openrouter.ai/api/v1',
  'https://a.b.openrouter.ai/v1',
  'https://EU.OpenRouter.ai:443/v1',
])
  test(`${address} is OpenRouter`, () => {
    for (const provider of ['openai', 'openai-compatible'] as const)
      assert.deepEqual(providerFor({ provider, baseUrl: address }), {
        ...providers[provider],
        ...openRouterRow,
      });
  });

for (const address of [
  '',
  'http://openrouter.ai/api/v1',
  'http://eu.openrouter.ai/api/v1',
  'https://openrouter.ai:8443/v1',
  'https://evil-openrouter.ai/v1',
  'https://openrouter.ai.example.org/v1',
  'https://openrouter.ai@example.org/v1',
  'https://example.org/https://openrouter.ai',
  'https://example.org#.openrouter.ai',
  'https://openrouter.example/v1',
])
  test(`"${address}" is not OpenRouter`, () => {
    const row = providerFor({ provider: 'openai-compatible', baseUrl: address });
    assert.deepEqual(row, providers['openai-compatible']);
  });

// ---------------------------------------------------------------- tiers

const openAi = 'https://api.openai.com/v1';
const tiers: [tier: string | null, model: string, usd: number | null][] = [
  [null, 'gpt-4.1', 10],
  ['default', 'gpt-4.1', 10],
  ['batch', 'gpt-4.1', 5],
  ['priority', 'gpt-4.1', 17.5],
  ['Priority', 'gpt-4.1', 17.5],
  ['BATCH', 'gpt-4.1', 5],
  ['flex', 'o3', 5],
  ['Flex', 'o3', 5],
  [null, 'o3', 10],
  ['flex', 'gpt-4-turbo', 40],
  ['priority', 'gpt-4-turbo', null],
  ['Priority', 'gpt-4-turbo', null],
  ['something new', 'gpt-4.1', 10],
];
for (const [tier, model, usd] of tiers) {
  test(`${model} in the tier ${tier} costs ${usd}`, async (t) => {
    const answer = { usage: million, ...(tier !== null && { fields: { service_tier: tier } }) };
    const { costNanoUsd, price, response } = await billOf(t, openAi, { model }, answer);
    assert.equal(response.tier, tier);
    assert.equal(costNanoUsd, usd === null ? null : usd * 1e9);
    if (usd !== null) assert.equal(price?.tier, tier ?? undefined);
  });
}

test('the worst case of a request that asks for a dearer tier is that tier’s', () => {
  const { worstCost } = requestPrices(settingsFor('openai', openAi), { prices: null });
  const worst = (extraBody?: Record<string, unknown>) =>
    worstCost(
      requestFor('q', { model: 'gpt-4.1', maxTokens: 1_000_000, ...(extraBody && { extraBody }) }),
      at,
    )!;
  for (const tier of ['priority', ' Priority '])
    assert.ok(worst({ service_tier: tier }) > 1.7 * worst(), tier);
  assert.ok(worst({ service_tier: 'flex' }) >= worst());
});

// ---------------------------------------------------------------- counts that cannot be true

const words = 'The quick brown fox jumps over the lazy dog near the river bank today';
interface Count {
  title: string;
  n: number;
  maxTokens: number;
  answer: { text: string | string[]; finishReason?: string };
  completion: number;
  isTrue: boolean;
}
const chinese =
  '人类反馈强化学习是一种机器学习技术，它利用人类的偏好来训练模型。首先，研究人员收集人们对模型输出的比较数据，然后训练一个奖励模型，最后用强化学习优化策略。这样做的好处是模型更符合人类的期望，缺点是成本较高，而且奖励模型可能被利用。';
const official =
  '中华人民共和国国务院办公厅关于进一步加强和改进新时代中国特色社会主义思想宣传教育工作的意见，坚持以人民为中心的发展思想，全面建设社会主义现代化国家';
const japanese =
  'こんにちは。機械学習とは、データからパターンを学び取り、予測や判断を行う技術です。人間のフィードバックを用いた強化学習は、その一つの応用です。';
const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);
const counts: Count[] = [
  // Counts of one answer are those of DeepSeek's tokenizer and of o200k_base.
  ...[
    { title: 'of one of eight choices in Chinese', n: 8, text: chinese, completion: 59, isTrue: false },
    { title: 'of eight choices in Chinese', n: 8, text: chinese, completion: 8 * 59, isTrue: true },
    { title: 'of two choices in Chinese', n: 2, text: chinese, completion: 2 * 59, isTrue: true },
    { title: 'of eight choices in Japanese', n: 8, text: japanese, completion: 8 * 52, isTrue: true },
    { title: 'of eight choices in dense Chinese', n: 8, text: official, completion: 8 * 21, isTrue: true },
    {
      title: 'of eight choices of one syllable',
      n: 8,
      text: '哈'.repeat(200),
      completion: 400,
      isTrue: true,
    },
    {
      title: 'of eight choices that repeat a name',
      ...{ n: 8, text: '全国人民代表大会常务委员会'.repeat(10), completion: 8 * 20, isTrue: true },
    },
    {
      title: 'of two choices that are a token each',
      ...{ n: 2, text: 'ありがとうございました', completion: 2, isTrue: true },
    },
  ].map(({ text, ...count }) => ({ ...count, maxTokens: 1000, answer: { text: times(count.n, text) } })),
  {
    title: 'of one of two choices that were cut off',
    n: 2,
    maxTokens: 6,
    answer: { text: ['a b c', 'd e f'], finishReason: 'length' },
    completion: 6,
    isTrue: false,
  },
  {
    title: 'of both choices that were cut off',
    n: 2,
    maxTokens: 6,
    answer: { text: ['a b c', 'd e f'], finishReason: 'length' },
    completion: 12,
    isTrue: true,
  },
  {
    title: 'of one of four choices that were cut off',
    n: 4,
    maxTokens: 16,
    answer: { text: ['a', 'b', 'c', 'd'], finishReason: 'length' },
    completion: 16,
    isTrue: false,
  },
  {
    title: 'of three of four choices that were cut off',
    n: 4,
    maxTokens: 16,
    answer: { text: ['a', 'b', 'c', 'd'], finishReason: 'length' },
    completion: 48,
    isTrue: false,
  },
  {
    title: 'of two choices that a short context has cut off',
    n: 2,
    maxTokens: 6,
    answer: { text: ['a b', 'c d'], finishReason: 'length' },
    completion: 4,
    isTrue: true,
  },
  {
    title: 'of one of two choices that ended by themselves',
    n: 2,
    maxTokens: 64,
    answer: { text: [words, words] },
    completion: 18,
    isTrue: false,
  },
  {
    title: 'of both choices that ended by themselves',
    n: 2,
    maxTokens: 64,
    answer: { text: [words, words] },
    completion: 36,
    isTrue: true,
  },
  {
    title: 'of nothing, with a text',
    n: 1,
    maxTokens: 64,
    answer: { text: 'yes' },
    completion: 0,
    isTrue: false,
  },
  {
    title: 'of nothing, without a text',
    n: 1,
    maxTokens: 64,
    answer: { text: '' },
    completion: 0,
    isTrue: true,
  },
  {
    title: 'of one token, with a word',
    n: 1,
    maxTokens: 64,
    answer: { text: 'yes' },
    completion: 1,
    isTrue: true,
  },
  {
    title: 'of one choice that was cut off',
    n: 1,
    maxTokens: 6,
    answer: { text: words, finishReason: 'length' },
    completion: 6,
    isTrue: true,
  },
];
for (const { title, n, maxTokens, answer, completion, isTrue } of counts) {
  test(`a count ${title} is ${isTrue ? 'taken' : 'not taken'}`, async (t) => {
    const usage = { prompt_tokens: 10, completion_tokens: completion, total_tokens: 10 + completion };
    const provider = await started(t, { ...answer, usage });
    const api = createChatApi(providers['openai-compatible'], provider.baseUrl, null);
    const samples = Array.from({ length: n }, (_, index) => index + 1);
    const response = await api.complete(requestFor('q', { n, maxTokens, samples }), patient());
    assert.equal((response.usage ?? response.doubtfulUsage)?.completion, completion);
    assert.equal(response.usage !== null, isTrue);
    assert.equal(api.choicesPerRequest(2), isTrue || n === 1 ? 2 : 1);
  });
}

// ---------------------------------------------------------------- beyond the worst case

test('a charge above the worst case raises the next ones, and is never forgotten for a smaller one', () => {
  const surcharge = createSurcharge();
  const { worstCost } = requestPrices(settingsFor('openai', openAi), { prices: null }, { surcharge });
  const usual = worstCost(requestFor('q', { model: 'gpt-4.1' }), at)!;
  assert.equal(surcharge.note({ costNanoUsd: usual, worstCostNanoUsd: usual }), false);
  assert.equal(surcharge.note({ costNanoUsd: 3 * usual, worstCostNanoUsd: usual }), true);
  assert.equal(worstCost(requestFor('q', { model: 'gpt-4.1' }), at), 3 * usual);
  assert.equal(surcharge.note({ costNanoUsd: 4 * usual, worstCostNanoUsd: 3 * usual, raise: 3 }), true);
  assert.equal(surcharge.note({ costNanoUsd: 2 * usual, worstCostNanoUsd: usual }), true);
  assert.ok(Math.abs(worstCost(requestFor('q', { model: 'gpt-4.1' }), at)! - 4 * usual) <= 1);
  assert.equal(surcharge.note({ costNanoUsd: null, worstCostNanoUsd: usual }), false);
  assert.equal(surcharge.note({ costNanoUsd: usual, worstCostNanoUsd: null }), false);
});
