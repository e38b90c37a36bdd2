/** Requests, with the key and the input hash that batches on users' disks have for them. */
import type { PromptItem } from '../../../src/core/prompt.ts';
import type { RequestSettings } from '../../../src/core/settings.ts';

interface GoldenRequest {
  title: string;
  asked: PromptItem;
  by: RequestSettings;
  golden: {
    /** Digest in hex, and token limit. */
    key: string;
    /** Of a batch of this prompt alone. */
    inputHash: string;
  };
}

const deepseek: RequestSettings = {
  provider: 'deepseek',
  baseUrl: 'https://api.deepseek.com',
  model: 'deepseek-flash',
  temperature: 0.7,
  topP: 0.9,
  maxTokens: 256,
  completions: 2,
  thinking: false,
};

export const goldenRequests: GoldenRequest[] = [
  {
    title: 'a prompt',
    asked: { prompt_id: 'p1', prompt: 'What is RLHF?' },
    by: deepseek,
    golden: {
      key: '8cb0f37399c420154647777b8b9355b3 256',
      inputHash: '447e128bb3e903e7fadd26de779241ca224725203bce6ab90093457bf2ab31c1',
    },
  },
  {
    title: 'a prompt with all settings of its own, and fields',
    asked: {
      ...{ prompt_id: 'p1', prompt: 'Was heißt „RLHF“? 😀', model: 'deepseek-v4-pro' },
      ...{
        temperature: 0,
        top_p: 1,
        max_tokens: 9,
        completions: 3,
        fields: { topic: 'x', deep: [{ b: null }] },
      },
    },
    by: deepseek,
    golden: {
      key: '42bebd325672233d004e49a049e1657c 9',
      inputHash: '5899e82ce04ce3b292bcb9b01dbed3e80965f782bce502d42e0f9e72559e6d0c',
    },
  },
  {
    title: 'an older name of the model',
    asked: { prompt_id: 'p1', prompt: 'What is RLHF?' },
    by: { ...deepseek, model: 'deepseek-v4-flash' },
    golden: {
      key: '8cb0f37399c420154647777b8b9355b3 256',
      inputHash: '447e128bb3e903e7fadd26de779241ca224725203bce6ab90093457bf2ab31c1',
    },
  },
  {
    title: 'messages, with thinking',
    asked: {
      prompt_id: 'p1',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'What is RLHF?' },
        { role: 'assistant', content: 'A method.' },
        { role: 'user', content: 'Of what?' },
      ],
    },
    by: { ...deepseek, thinking: true },
    golden: {
      key: 'ff71537c18b83af936c0dfbcd207aed6 256',
      inputHash: 'c1dc95279d0090ea9797337c3edede79b15201e8eb13197ab8a93ad47a6700a0',
    },
  },
  {
    title: 'a seed',
    asked: { prompt_id: 'p1', prompt: 'What is RLHF?', extra_body: { seed: 7 } },
    by: { ...deepseek, provider: 'openai', baseUrl: 'https://api.openai.com/v1', model: 'gpt-6-luna' },
    golden: {
      key: 'f1662808648399e756c40e1206cd341f 256',
      inputHash: '5bdbc0bee78a81914d0dc938020989791bf32a30598db33f6f0bf913de99485c',
    },
  },
  {
    title: 'further parameters, deep and unsorted',
    asked: {
      prompt_id: 'p1',
      prompt: 'What is RLHF?',
      extra_body: {
        stop: ['x', 'y'],
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'a', schema: { type: 'object', properties: {} } },
        },
      },
    },
    by: { ...deepseek, provider: 'openai-compatible', baseUrl: 'http://127.0.0.1:8000/v1', model: 'm' },
    golden: {
      key: 'ab07e4549873cd80f47a037fd1ab3d5b 256',
      inputHash: '15775086b0ab813b93dadf24a148d46d814ee0aa02d0bd8be980c0368663786e',
    },
  },
  {
    title: 'the simulated provider',
    asked: { prompt_id: 'p1', prompt: 'What is RLHF?' },
    by: { ...deepseek, provider: 'simulated', baseUrl: '', model: 'simulated' },
    golden: {
      key: 'c858270dc971e166f49ca4e3352c8a0a 256',
      inputHash: 'c843bf16ff7950583441d939294fd1c0acf07bf58cad8c92d1b23470288ac47b',
    },
  },
];
