import type { Message } from '../../core/prompt.ts';

/** What a chat template can add: role marks per message, a system text of its own per request. */
const TEMPLATE_TOKENS_PER_MESSAGE = 16;
const TEMPLATE_TOKENS_PER_REQUEST = 256;

/** Upper bound: a byte-level tokenizer never makes more tokens than bytes. */
export const mostPromptTokens = (messages: Message[]): number =>
  messages.reduce(
    (sum, { content }) => sum + Buffer.byteLength(content) + TEMPLATE_TOKENS_PER_MESSAGE,
    TEMPLATE_TOKENS_PER_REQUEST,
  );
