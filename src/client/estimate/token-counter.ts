import { Tiktoken } from 'js-tiktoken/lite';
import o200k from 'js-tiktoken/ranks/o200k_base';
import type { Message } from '../../core/prompt.ts';

/** The tokenizer's time grows with the square of a word's length: longer ones are counted in pieces. */
const WORDS = /\s{0,64}\S{0,64}/g;
/** Words whose counts are remembered, as the same ones come again and again: some 5 MB. */
const KNOWN_WORDS = 30_000;
/** Role and separators of one message in a chat template: the usual four. */
const TOKENS_PER_MESSAGE = 4;

/**
 * Counts with OpenAI's `o200k_base`. Other models have other tokenizers, whose counts differ by some
 * 10 to 20 % for English and more for other scripts: an estimate, never a bill.
 */
export function createTokenCounter(): (messages: readonly Message[]) => number {
  const tokenizer = new Tiktoken(o200k);
  let known = new Map<string, number>();
  const countWord = (word: string): number => {
    const counted = known.get(word);
    if (counted !== undefined) return counted;
    const tokens = tokenizer.encode(word, [], []).length;
    if (known.size >= KNOWN_WORDS) known = new Map();
    // Joined anew: a slice would hold the whole text it was cut from.
    known.set(Buffer.from(word, 'utf16le').toString('utf16le'), tokens);
    return tokens;
  };
  const count = (text: string): number => {
    let tokens = 0;
    for (const [word] of text.matchAll(WORDS)) tokens += countWord(word);
    return tokens;
  };
  return (messages) => messages.reduce((sum, { content }) => sum + count(content) + TOKENS_PER_MESSAGE, 0);
}
