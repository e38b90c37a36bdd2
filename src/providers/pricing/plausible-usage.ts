import type { Usage } from '../../core/receipt.ts';
import type { CompletionRequest } from '../completion-api.ts';

interface AnsweredChoice {
  text: string;
  finishReason: string;
}

/**
 * Whether the count of output tokens can be true of these choices. llama.cpp, asked for several choices, counts
 * the tokens of one. Told apart from an honest count by what no tokenizer does: a token for less than nothing, one
 * that reaches over a word's end or over many characters, or fewer than `max_tokens` for a choice that was cut off there.
 */
export function isPlausible(
  { completion }: Usage,
  choices: readonly AnsweredChoice[],
  { maxTokens }: Pick<CompletionRequest, 'maxTokens'>,
): boolean {
  const written = choices.filter(({ text }) => text.trim() !== '');
  if (completion < written.length) return false;
  if (choices.length === 1) return true;
  const fewest = written.reduce((sum, { text }) => sum + Math.max(countWords(text), countPhrases(text)), 0);
  if (completion < fewest) return false;
  // A model's context may have cut them off sooner; all of them then have the same, smaller length.
  const cutOff = written.filter(({ finishReason }) => finishReason === 'length').length;
  return cutOff === 0 || completion < maxTokens || completion >= fewestTokens(cutOff, written, maxTokens);
}

/** Of choices that were cut off at `maxTokens`, and others of at least one token each. */
const fewestTokens = (cutOff: number, written: readonly AnsweredChoice[], maxTokens: number): number =>
  cutOff * maxTokens + (written.length - cutOff);

/** Words of three or more characters: each is a token at least. */
const countWords = (text: string): number => text.match(/\S{3,}/g)?.length ?? 0;

/** Tokens longer than this are rare in the vocabularies of DeepSeek, Qwen and OpenAI (November 2026), and are boilerplate. */
const MAX_TOKEN_CHARACTERS = 8;

/**
 * Tokens that a text in Chinese or Japanese has at least, for as many different pairs of neighbouring characters. A repeated
 * phrase counts once, as it may be one long token. The bound is low because honest prose can be dense: DeepSeek takes
 * official Chinese at 3.5 characters a token, and ordinary Chinese at 1.9.
 */
function countPhrases(text: string): number {
  const runs = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]{2,}/gu) ?? [];
  const pairs = runs.flatMap((run) => {
    const characters = [...run];
    return characters.slice(1).map((character, before) => characters[before]! + character);
  });
  return Math.floor(new Set(pairs).size / MAX_TOKEN_CHARACTERS);
}
