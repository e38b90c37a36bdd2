import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultSentence } from '../../src/providers/fault-sentence.ts';

const deepseek = { provider: 'deepseek', baseUrl: 'https://api.deepseek.com' } as const;
const own = { provider: 'openai-compatible', baseUrl: 'http://user:secret@127.0.0.1:8000/v1' } as const;
const simulated = { provider: 'simulated', baseUrl: '' } as const;

const sentences = [
  {
    title: 'what the provider said',
    fault: { status: 429, message: 'HTTP 429: rate limit exceeded', requestId: 'req_123' },
    asked: deepseek,
    is: '429 Too Many Requests from api.deepseek.com: rate limit exceeded (request req_123)',
  },
  {
    title: 'a status and nothing else',
    fault: { status: 500, message: 'HTTP 500, without a message', requestId: null },
    asked: own,
    is: '500 Internal Server Error from 127.0.0.1:8000, without a message',
  },
  {
    title: 'a status without a name',
    fault: { status: 529, message: 'HTTP 529: overloaded', requestId: 'r' },
    asked: deepseek,
    is: '529 from api.deepseek.com: overloaded (request r)',
  },
  {
    title: 'a page that says no more than the status',
    fault: { status: 502, message: 'HTTP 502: Bad Gateway', requestId: 'r' },
    asked: deepseek,
    is: '502 Bad Gateway from api.deepseek.com (request r)',
  },
  {
    title: 'a broken connection',
    fault: { status: null, message: 'The connection broke: socket hang up (ECONNRESET).', requestId: null },
    asked: deepseek,
    is: 'api.deepseek.com: The connection broke: socket hang up (ECONNRESET).',
  },
  {
    title: 'an answer that is none',
    fault: { status: 200, message: 'The answer has no choice.', requestId: 'r' },
    asked: deepseek,
    is: 'api.deepseek.com: The answer has no choice. (request r)',
  },
  {
    title: 'the simulated provider',
    fault: { status: 429, message: 'HTTP 429: simulated rate limit', requestId: 'simulated-1' },
    asked: simulated,
    is: '429 Too Many Requests from simulated: simulated rate limit (request simulated-1)',
  },
];

for (const { title, fault, asked, is } of sentences) {
  test(`a sentence of ${title}`, () => assert.equal(faultSentence(fault, asked), is));
}
